/**
 * SP sockets of ws-transport beside NNG's own C library and a plain `ws` echo, two processes each, and prints a table. See
 * README.md.
 */
/* eslint-disable no-console */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { pinned } from '../ends.ts'
import { median } from '../stats.ts'
import type { ChildProcess } from 'node:child_process'
import type { AddressInfo } from 'node:net'

const MODES = {
  sequential: 'req/rep, one after the other, round trips/s',
  pipelined: 'req/rep, 64 under way, round trips/s',
  stream: 'push/pull, messages/s'
}
const SIZES = { '16 B': 16, '1 KiB': 1_024, '64 KiB': 65_536 }

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '0.7' },
    smoke: { type: 'boolean', default: false }
  }
})
const runs = options.smoke ? 1 : Number(options.runs)
const seconds = options.smoke ? '0.05' : options.seconds
const folder = mkdtempSync(join(tmpdir(), 'sp-benchmark-'))

/** How an end of each peer is started; the arguments of end.ts follow. */
const PEERS: Record<string, string[]> = {
  'ws-transport': [process.execPath, join(import.meta.dirname, 'end.ts'), 'sp'],
  ...compileNng(),
  ws: [process.execPath, join(import.meta.dirname, 'end.ts'), 'ws']
}

try {
  const names = Object.keys(PEERS)
  console.info(`${new Date().toISOString()}, ${cpus()[0].model}, Node ${process.version}, ${pinned ? 'a CPU for each process' : 'shared CPUs'}, median of ${runs} runs; in brackets: ws-transport divided by this peer.\n`)
  console.info(`| case | ${names.join(' | ')} |\n|---|${names.map(() => '--:|').join('')}`)

  for (const [mode, title] of Object.entries(MODES)) {
    for (const [label, size] of Object.entries(SIZES)) {
      console.info(`| ${title}, ${label} | ${(await cells(mode, size, names)).join(' | ')} |`)
    }
  }
} finally {
  rmSync(folder, { recursive: true })
}

/** Every peer in each run, beginning with another each time. */
async function cells (mode: string, size: number, names: string[]): Promise<string[]> {
  const rates: Record<string, number[]> = Object.fromEntries(names.map(name => [name, []]))

  for (let run = 0; run < runs; run++) {
    for (const [i] of names.entries()) {
      const name = names[(i + run) % names.length]
      rates[name].push(await measure(PEERS[name], mode, size))
    }
  }

  return names.map((name, i) => {
    const rate = median(rates[name]).toFixed(0)

    return i === 0 ? rate : `${rate} (${median(rates[names[0]].map((ours, run) => ours / rates[name][run])).toFixed(2)}x)`
  })
}

/** @returns messages or round trips a second */
async function measure (program: string[], mode: string, size: number): Promise<number> {
  const url = `ws://127.0.0.1:${await freePort()}/`
  const server = start(program, '1', [mode, 'server', url, `${size}`, seconds])
  const lines = createInterface(server.stdout ?? process.stdin)[Symbol.asyncIterator]()
  await lines.next()
  const client = start(program, '0', [mode, 'client', url, `${size}`, seconds])

  try {
    const counted = mode === 'stream' ? lines : createInterface(client.stdout ?? process.stdin)[Symbol.asyncIterator]()
    const { value } = await counted.next()
    const [count, elapsed] = String(value).split(' ').map(Number)

    if (!(count > 0)) {
      throw new Error(`${program.join(' ')} ${mode}: nothing was counted`)
    }

    return count / elapsed
  } finally {
    await Promise.all([server, client].map(async child => {
      if (child.exitCode == null && child.signalCode == null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
    }))
  }
}

function start (program: string[], cpu: string, args: string[]): ChildProcess {
  const [command, ...rest] = pinned ? ['taskset', '-c', cpu, ...program, ...args] : [...program, ...args]

  return spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** NNG, where there is a compiler and libnng-dev. */
function compileNng (): Record<string, string[]> {
  const program = join(folder, 'nng')
  const { status } = spawnSync('cc', ['-O2', '-o', program, join(import.meta.dirname, 'nng.c'), '-lnng'], { stdio: 'ignore' })

  if (status !== 0) {
    console.error('without NNG: it needs cc and libnng-dev')
  }

  return status === 0 ? { 'NNG 1.5 in C': [program] } : {}
}

async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')

  return port
}
