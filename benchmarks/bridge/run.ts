/**
 * The bridge of ws-transport beside `ws` piped to `net` by hand and Debian's websockify, each in a process of its own, and
 * prints a table. See README.md.
 */
/* eslint-disable no-console */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { pinned } from '../ends.ts'
import { median } from '../stats.ts'
import type { ChildProcess } from 'node:child_process'
import type { AddressInfo } from 'node:net'

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    mebibytes: { type: 'string', default: '1024' },
    smoke: { type: 'boolean', default: false }
  }
})
const runs = options.smoke ? 1 : Number(options.runs)
const mebibytes = options.smoke ? 4 : Number(options.mebibytes)
const pings = options.smoke ? 50 : 5_000
/** A process for each is more than websockify, or the system, can bear. */
const sessions = options.smoke ? { websockify: 20, others: 20 } : { websockify: 100, others: 1_000 }

/** For what a client measures, ms. */
const TIME_LIMIT = 60_000

interface Running {
  child: ChildProcess
  port: number
}

/** Of the processor, a second. */
const TICKS = 100

/** Bytes in a page of memory. */
const PAGE = 4_096
const program = join(import.meta.dirname, 'end.ts')
const end = (cpu: number, ...args: string[]): ChildProcess => start(cpu, [process.execPath, '--no-warnings', program, ...args])

/** How each bridge to a port is started. */
const BRIDGES: Record<string, (target: number) => Promise<Running>> = {
  'ws-transport': async target => ready(end(1, 'ws-transport', `${target}`)),
  'ws to net by hand': async target => ready(end(1, 'ws', `${target}`)),
  ...spawnSync('websockify', ['--help']).status === 0 ? { websockify } : {}
}

const names = Object.keys(BRIDGES)
const results: Record<string, Record<string, number[]>> = {}

if (!names.includes('websockify')) {
  console.error('without websockify: it is not installed')
}

for (let run = 0; run < runs; run++) {
  for (const [i] of names.entries()) {
    const name = names[(i + run) % names.length]
    await measure(name)
  }
}

console.info(`${new Date().toISOString()}, ${cpus()[0].model}, Node ${process.version}, ${pinned ? 'the bridge on a CPU of its own' : 'shared CPUs'}, median of ${runs} runs; in brackets: ws-transport divided by this peer.\n`)
console.info(`| case | ${names.join(' | ')} |\n|---|${names.map(() => '--:|').join('')}`)

for (const title of Object.keys(results)) {
  const cells = names.map((name, i) => {
    const value = median(results[title][name]).toPrecision(3)

    return i === 0 ? value : `${value} (${median(results[title][names[0]].map((ours, run) => ours / results[title][name][run])).toFixed(2)}x)`
  })

  console.info(`| ${title} | ${cells.join(' | ')} |`)
}

/** Everything about one bridge, begun anew. */
async function measure (name: string): Promise<void> {
  const echo = await ready(end(0, 'echo'))
  const straight = await ready(end(0, 'ws-echo'))

  try {
    await withBridge(name, echo.port, async (url, bridge) => {
      const before = cpuSeconds(bridge)
      add(`${mebibytes} MiB there and back, messages of 64 KiB, MB/s`, name, await client(url, 'transfer', mebibytes, 65_536))
      add('CPU of the bridge for it, s', name, cpuSeconds(bridge) - before)
      add(`${mebibytes / 16} MiB there and back, messages of 1 KiB, MB/s`, name, await client(url, 'transfer', mebibytes / 16, 1_024))
      const direct = await client(`ws://127.0.0.1:${straight.port}`, 'ping', pings)
      add('round trip of 64 bytes, p50, more than without a bridge, ms', name, await client(url, 'ping', pings) - direct)
    })
    await withBridge(name, echo.port, async (url, bridge) => {
      const count = name === 'websockify' ? sessions.websockify : sessions.others
      const before = memory(bridge)
      const opened = end(0, 'client', url, 'sessions', `${count}`)

      try {
        await line(opened)
        add(`memory of each of ${sessions.others} sessions (${sessions.websockify} of websockify), KiB`, name, (memory(bridge) - before) / count / 1_024)
      } finally {
        await stop([opened])
      }
    })
  } finally {
    await stop([echo.child, straight.child])
  }
}

async function withBridge (name: string, target: number, use: (url: string, bridge: ChildProcess) => Promise<void>): Promise<void> {
  const { child, port } = await BRIDGES[name](target)

  try {
    await use(`ws://127.0.0.1:${port}`, child)
  } finally {
    await stop([child])
  }
}

async function client (where: string, mode: string, count: number, size = 0): Promise<number> {
  const child = end(0, 'client', where, mode, `${count}`, `${size}`)

  try {
    return Number(await line(child))
  } finally {
    await stop([child])
  }
}

function add (title: string, name: string, value: number): void {
  if (!Number.isFinite(value)) {
    throw new Error(`${name}: ${title} was not measured`)
  }

  results[title] ??= Object.fromEntries(names.map(name => [name, []]))
  results[title][name].push(value)
}

async function websockify (target: number): Promise<Running> {
  const port = await freePort()
  const child = start(1, ['websockify', `127.0.0.1:${port}`, `127.0.0.1:${target}`], 'ignore')

  for (let tries = 0; !await accepts(port); tries++) {
    if (tries > 100) {
      throw new Error('websockify does not listen')
    }

    await new Promise(resolve => setTimeout(resolve, 50))
  }

  return { child, port }
}

async function accepts (port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')

  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function ready (child: ChildProcess): Promise<Running> {
  return { child, port: Number(await line(child)) }
}

async function line (child: ChildProcess): Promise<string> {
  const timer = setTimeout(() => { child.kill('SIGKILL') }, TIME_LIMIT)
  const { value } = await createInterface(child.stdout ?? process.stdin)[Symbol.asyncIterator]().next()
  clearTimeout(timer)

  return String(value)
}

/** What the system says about a process; nothing, if it has ended since. */
function about (pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

/** Of a process and those that it forked, as websockify does for each session. */
function family (pid: number): number[] {
  const children = about(pid, `task/${pid}/children`).trim().split(' ').filter(id => id !== '').map(Number)

  return [pid, ...children.flatMap(family)]
}

/** Bytes; what processes share counts once, with the first. */
function memory ({ pid = 0 }: ChildProcess): number {
  const [first, ...rest] = family(pid).map(id => about(id, 'statm').split(' ').map(pages => Number(pages) * PAGE))

  return first[1] + rest.reduce((sum, [, resident, shared]) => sum + resident - shared, 0)
}

/** User and system time, with that of children that have ended. */
function cpuSeconds ({ pid = 0 }: ChildProcess): number {
  return family(pid).reduce((sum, id) => {
    const fields = about(id, 'stat').replace(/^.*\) /, '').split(' ').map(Number)

    return sum + fields.slice(11, 15).reduce((ticks, field) => ticks + field, 0) / TICKS
  }, 0)
}

function start (cpu: number, command: string[], stderr: 'inherit' | 'ignore' = 'inherit'): ChildProcess {
  const [file, ...args] = pinned ? ['taskset', '-c', `${cpu}`, ...command] : command

  return spawn(file, args, { stdio: ['ignore', 'pipe', stderr] })
}

async function stop (children: ChildProcess[]): Promise<void> {
  await Promise.all(children.map(async child => {
    if (child.exitCode == null && child.signalCode == null) {
      // websockify ends those that it forked
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
  }))
}

async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')

  return port
}
