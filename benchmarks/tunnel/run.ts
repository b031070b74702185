/** The tunnel beside what it is made of, in one run, and prints a table. See README.md. */
/* eslint-disable no-console */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { tunnel } from '../../dist/src/bridge/index.js'
import { pinned } from '../ends.ts'
import { median } from '../stats.ts'
import type { ChildProcess } from 'node:child_process'

const KINDS = {
  stack: 'full stack: noise and yamux over ws, defaults',
  tuned: 'full stack with the settings of the tunnel',
  tcp: 'tunnel of TCP',
  unix: 'tunnel of Unix sockets'
}

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    smoke: { type: 'boolean', default: false }
  }
})
const runs = options.smoke ? 1 : Number(options.runs)
const seconds = options.smoke ? '0.1' : options.seconds
const folder = mkdtempSync(join(tmpdir(), 'tunnel-benchmark-'))

try {
  await Promise.all(['server', 'client'].map(async name => tunnel.createKey(join(folder, `${name}.key`))))
  const kinds = Object.keys(KINDS) as Array<keyof typeof KINDS>
  const rates: Record<string, number[]> = Object.fromEntries(kinds.map(kind => [kind, []]))

  // every kind in each run, beginning with another each time
  for (let run = 0; run < runs; run++) {
    for (const [i] of kinds.entries()) {
      const kind = kinds[(i + run) % kinds.length]
      rates[kind].push(await measure(kind))
    }
  }

  console.info(`${new Date().toISOString()}, ${cpus()[0].model}, Node ${process.version}, ${pinned ? 'a CPU for each process' : 'shared CPUs'}, median of ${runs} runs\n`)
  console.info('| | MB/s | to the full stack | to that with its settings |\n|---|--:|--:|--:|')

  for (const kind of kinds) {
    const ratio = (base: string): string => `${median(rates[kind].map((rate, run) => rate / rates[base][run])).toFixed(2)}x`
    console.info(`| ${KINDS[kind]} | ${(median(rates[kind]) / 1e6).toFixed(0)} | ${ratio('stack')} | ${ratio('tuned')} |`)
  }
} finally {
  rmSync(folder, { recursive: true })
}

/** @returns bytes a second */
async function measure (kind: string): Promise<number> {
  const server = start('1', [kind, 'server', folder, seconds])
  const lines = createInterface(server.stdout ?? process.stdin)[Symbol.asyncIterator]()
  const { value: address } = await lines.next()
  const client = start('0', [kind, 'client', folder, seconds, address])

  try {
    const { value } = await lines.next()
    const [bytes, elapsed] = String(value).split(' ').map(Number)

    if (!(bytes > 0)) {
      throw new Error(`${kind}: nothing was counted`)
    }

    return bytes / elapsed
  } finally {
    await Promise.all([server, client].map(async child => {
      if (child.exitCode == null && child.signalCode == null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
    }))
  }
}

function start (cpu: string, args: string[]): ChildProcess {
  const program = [process.execPath, '--no-warnings', join(import.meta.dirname, 'end.ts'), ...args]
  const [command, ...rest] = pinned ? ['taskset', '-c', cpu, ...program] : program

  return spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
}
