/**
 * What limits cost, and what idle connections cost those that are busy. Prints a table; see README.md.
 */
/* eslint-disable no-console */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { pinned, withEnds } from '../ends.ts'
import { median, percentile } from '../stats.ts'
import type { PeerName } from '../peers/index.ts'

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    window: { type: 'string', default: '2000' },
    idle: { type: 'string', default: '10000' },
    busy: { type: 'string', default: '100' },
    only: { type: 'string', default: '' },
    smoke: { type: 'boolean', default: false }
  }
})
const runs = options.smoke ? 1 : Number(options.runs)
const window = options.smoke ? 50 : Number(options.window)
const idle = options.smoke ? 20 : Number(options.idle)
const busy = options.smoke ? 5 : Number(options.busy)

interface Pair {
  without: number
  with: number
}

console.info(`${new Date().toISOString()}, ${cpus()[0].model}, Node ${process.version}, ${pinned ? 'a CPU for each process' : 'shared CPUs'}, median of ${runs} runs.\n`)
console.info('| case | without | with | with / without |\n|---|--:|--:|--:|')
await row('all limits: accepted per second', limits)
await row(`${idle} idle connections: p99 of ${busy} busy ones, us`, idleBeside)

async function row (name: string, measure: (run: number) => Promise<Pair>): Promise<void> {
  if (!new RegExp(options.only).test(name)) {
    return
  }

  const pairs: Pair[] = []

  for (let run = 0; run < runs; run++) {
    pairs.push(await measure(run))
  }

  const ratio = median(pairs.map(pair => pair.with / pair.without))
  console.error(JSON.stringify(pairs))
  console.info(`| ${name} | ${median(pairs.map(pair => pair.without)).toFixed(0)} | ${median(pairs.map(pair => pair.with)).toFixed(0)} | ${ratio.toFixed(2)} |`)
}

/** Each run begins with the other one. */
async function limits (run: number): Promise<Pair> {
  const figures: Partial<Record<PeerName, number>> = {}
  const peers: PeerName[] = ['channel', 'channel with limits']

  for (const peer of run % 2 === 0 ? peers : peers.toReversed()) {
    figures[peer] = await withEnds({ peer, layer: 'raw' }, undefined, async ({ client, server }) =>
      client.call('accepts', { port: await server.call('listen'), warmUp: window / 2, window }))
  }

  return { without: figures.channel ?? NaN, with: figures['channel with limits'] ?? NaN }
}

/** The same busy connections, before and after the idle ones are there. */
async function idleBeside (): Promise<Pair> {
  return withEnds({ peer: 'channel', layer: 'raw' }, undefined, async ({ client, server }) => {
    const port = await server.call('listen')
    const p99 = async (): Promise<number> => {
      // what it took to open them is no part of what they cost
      await Promise.all([client.call('sample', { gc: true }), server.call('sample', { gc: true })])

      return percentile(await client.call('busy', { count: busy, warmUp: window / 2, window }), 99) * 1_000
    }

    await client.call('connect', { port, connections: busy })
    const without = await p99()
    await client.call('connect', { port, connections: idle, streams: 0 })

    return { without, with: await p99() }
  })
}
