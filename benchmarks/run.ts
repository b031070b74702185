/**
 * Measures every peer in every case, prints tables, and writes results.md, results.json and results.svg. See README.md.
 */
/* eslint-disable no-console */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createCases } from './cases.ts'
import { createCertificate } from './certificate.ts'
import { drawChart } from './chart.ts'
import { measure } from './measure.ts'
import { createCaseResult, createResults } from './results.ts'
import { formatResults } from './table.ts'
import type { Case, CaseSizes } from './cases.ts'
import type { Times } from './measure.ts'
import type { Certificate } from './peers/peer.ts'
import type { CaseResult, Runs } from './results.ts'

const USAGE = `npm run bench -- [options]

  --only <pattern>     cases whose line in --list matches this regular expression; "headline" is a short run
  --peers <pattern>    peers whose name matches this regular expression
  --runs <n>           measurements of each case and peer (default: 5)
  --window <ms>        how long what is measured counts, after half as long a warm-up (default: 1000)
  --connections <n>    idle connections of the memory cases (default: 10000; an eighth with noise), and half as many more
  --output <folder>    for results.md, results.json and results.svg (default: here if all cases run, else nowhere)
  --profile <folder>   a .cpuprofile of each process, named client or server
  --smoke              every case once, small and short, with one peer each, in turn; the figures mean nothing
  --list               the cases
`
const SMOKE_TIMES: Times = { warmUp: 20, window: 50, settle: 50 }
const SIZES: CaseSizes = { idle: 10_000, connections: 1_000, stalled: 1_073_741_824, wire: 16_777_216 }
const SMOKE_SIZES: CaseSizes = { idle: 8, connections: 10, stalled: 16_777_216, wire: 1_048_576 }

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    peers: { type: 'string' },
    runs: { type: 'string' },
    window: { type: 'string', default: '1000' },
    connections: { type: 'string' },
    output: { type: 'string' },
    profile: { type: 'string' },
    smoke: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})

const window = Number(options.window)
const times: Times = options.smoke ? SMOKE_TIMES : { warmUp: window / 2, window, settle: 500 }

if (options.help) {
  console.info(USAGE)
} else if (options.list) {
  console.info(selectCases().map(describe).join('\n'))
} else {
  await run(selectCases())
}

async function run (cases: Case[]): Promise<void> {
  const runs = Number(options.runs ?? (options.smoke ? 1 : 5))
  const output = options.output ?? (options.smoke || options.only != null || options.peers != null ? undefined : import.meta.dirname)
  const certificate = await createCertificate()
  const results: CaseResult[] = []

  for (const [index, item] of cases.entries()) {
    console.error(`${index + 1}/${cases.length} ${describe(item)}`)
    results.push(createCaseResult(item, await runCase(item, runs, certificate)))
  }

  const all = createResults(runs, results)
  const tables = formatResults(all)

  console.info(tables)

  if (output != null) {
    mkdirSync(output, { recursive: true })
    writeFileSync(join(output, 'results.md'), tables)
    writeFileSync(join(output, 'results.json'), `${JSON.stringify(all, null, 2)}\n`)
    writeFileSync(join(output, 'results.svg'), drawChart(all))
  }
}

/** Peers take turns within each run, and each run begins with another one. */
async function runCase (item: Case, runs: number, certificate: Certificate): Promise<Runs> {
  const figures: Runs = []

  for (let i = 0; i < runs; i++) {
    const first = i % item.peers.length
    const peers = [...item.peers.slice(first), ...item.peers.slice(0, first)]
    figures.push({})

    for (const peer of peers) {
      try {
        figures[i][peer] = await measure(item, { peer, certificate, profile: options.profile }, times)
      } catch (err: any) {
        // the other peers still count; the exit code says that this one is missing
        console.error(`  ${peer}: ${err.message}`)
        process.exitCode = 1
      }
    }
  }

  return figures
}

function selectCases (): Case[] {
  const sizes = options.smoke ? SMOKE_SIZES : SIZES
  const only = new RegExp(options.only ?? '', 'i')
  const peers = new RegExp(options.peers ?? '')

  const cases = createCases({ ...sizes, idle: Number(options.connections ?? sizes.idle) })
    .filter(item => only.test(describe(item)) && (item.layer !== 'plaintext' || isInstalled('@libp2p/plaintext')))
    .map(item => ({ ...item, peers: item.peers.filter(peer => peers.test(peer)) }))

  return options.smoke ? cases.map((item, i) => ({ ...item, peers: [item.peers[i % item.peers.length]] })) : cases
}

function describe ({ group, name, headline }: Case): string {
  return `${group}: ${name}${headline ? ' (headline)' : ''}`
}

function isInstalled (name: string): boolean {
  try {
    import.meta.resolve(name)
    return true
  } catch {
    return false
  }
}
