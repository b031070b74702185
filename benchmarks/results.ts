/** From the figures of all runs to medians, and to ratios against the peers of the same run. */
import { cpus, release, totalmem, type } from 'node:os'
import { pinned } from './ends.ts'
import { median } from './stats.ts'
import type { Case } from './cases.ts'
import type { Figures } from './measure.ts'
import type { PeerName } from './peers/index.ts'

/** What ratios are relative to. */
export const OURS = 'ws-transport'

/** Metrics in which more is better; of all others less is. */
const MORE_IS_BETTER = new Set(['MB/s', 'dials/s'])

export interface Results {
  /** ISO 8601, UTC. */
  date: string
  machine: { cpu: string, cpus: number, memory: string, system: string, node: string }
  /** Each process had a CPU of its own. */
  pinned: boolean
  runs: number
  cases: CaseResult[]
}

export interface CaseResult {
  group: string
  name: string
  headline: boolean
  metrics: Record<string, MetricResult>
}

export interface MetricResult {
  better: 'more' | 'less'
  peers: Partial<Record<PeerName, PeerResult>>
}

export interface PeerResult {
  median: number
  /** Median over the runs of: ws-transport divided by this peer. */
  ratio?: number
  /** One per run, in order. */
  samples: number[]
}

/** The figures of one case: of each run, by peer. */
export type Runs = Array<Partial<Record<PeerName, Figures>>>

export function createResults (runs: number, cases: CaseResult[]): Results {
  const [{ model }] = cpus()

  return {
    date: new Date().toISOString(),
    machine: {
      cpu: model,
      cpus: cpus().length,
      memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
      system: `${type()} ${release()}`,
      node: process.version
    },
    pinned,
    runs,
    cases
  }
}

export function createCaseResult ({ group, name, headline, peers }: Case, runs: Runs): CaseResult {
  const names = new Set(runs.flatMap(run => Object.values(run)).flatMap(figures => Object.keys(figures)))
  const metrics = [...names].map(metric => [metric, {
    better: MORE_IS_BETTER.has(metric) ? 'more' : 'less',
    peers: Object.fromEntries(peers
      .map(peer => [peer, createPeerResult(runs, peer, metric)] as const)
      .filter(([, result]) => result.samples.length > 0))
  }])

  return { group, name, headline, metrics: Object.fromEntries(metrics) }
}

function createPeerResult (runs: Runs, peer: PeerName, metric: string): PeerResult {
  const samples = runs.map(run => run[peer]?.[metric]).filter(sample => sample != null)
  const ratios = runs.map(run => ratio(run[OURS]?.[metric], run[peer]?.[metric])).filter(ratio => ratio != null)

  return {
    median: median(samples),
    ratio: peer === OURS || ratios.length === 0 ? undefined : median(ratios),
    samples
  }
}

/** Only where both say something: memory may shrink in a run, or not be needed at all. */
function ratio (ours?: number, theirs?: number): number | undefined {
  return ours != null && theirs != null && ours > 0 && theirs > 0 ? ours / theirs : undefined
}
