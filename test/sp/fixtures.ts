/** The tools of the real libraries, and sockets of ours that end with the test. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { pEvent } from 'p-event'
import { WebSocket } from 'ws'
import { subprotocol } from '../../src/sp/protocols.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { skip } from '../fixtures/skip.ts'
import { freePort } from '../server/fixtures.ts'
import { webSocketPeer } from '../suites/peer.ts'
import type { Pipe, ProtocolName, SocketEvents } from '../../src/sp/index.ts'
import type { SpSocket } from '../../src/sp/socket.ts'
import type { Peer } from '../suites/peer.ts'
import type { Context } from 'mocha'

/** The Debian package of each. */
const PACKAGES = { nngcat: 'nng-utils', nanocat: 'nanomsg-utils' }

export type ToolName = keyof typeof PACKAGES

export const TOOLS = Object.keys(PACKAGES) as ToolName[]

export interface Tool {
  readonly stdout: Buffer
  readonly stderr: string
  /** What it printed, a line for each message where it was given `-Q`. */
  readonly lines: string[]
  /** Resolves when it has printed so many lines. */
  printed (count: number): Promise<string[]>
  /** Resolves when it is gone. */
  exited: Promise<number | null>
  kill (): Promise<void>
}

/** Skip the test, or fail in CI, where the program is not installed. */
export function needs (test: Context, name: ToolName): void {
  if (spawnSync(name, ['--help']).error != null) {
    if (process.env.CI === 'true') {
      throw new Error(`${name} is missing: install ${PACKAGES[name]}`)
    }

    skip(test, `${name} is not installed: apt-get install ${PACKAGES[name]}`)
  }
}

/** Start nngcat or nanocat; it is killed after the test. */
export function tool (name: ToolName, ...args: string[]): Tool {
  const child = spawn(name, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'close').then(([code]) => code)
  let stdout = Buffer.alloc(0)
  let stderr = ''

  child.stdout.on('data', data => { stdout = Buffer.concat([stdout, data]) })
  child.stderr.on('data', data => { stderr += data })

  const started: Tool = {
    get stdout () { return stdout },
    get stderr () { return stderr },
    get lines () { return stdout.toString().split('\n').slice(0, -1) },
    exited,
    async printed (count) {
      while (started.lines.length < count && child.exitCode == null) {
        await Promise.race([once(child.stdout, 'data'), exited])
      }

      // what it wrote last
      await (child.exitCode == null ? undefined : exited)

      if (started.lines.length < count) {
        throw new Error(`${name} ${args.join(' ')} ended, having printed ${JSON.stringify(`${stdout}`)} and ${JSON.stringify(stderr)}`)
      }

      return started.lines
    },
    async kill () {
      child.kill('SIGKILL')
      await exited
    }
  }
  cleanUp(started.kill)

  return started
}

/** A socket that closes after the test. */
export function open<T extends SpSocket> (socket: T): T {
  cleanUp(async () => socket.close())

  return socket
}

/** A URL that nothing listens at yet. */
export async function freeUrl (path = ''): Promise<string> {
  return `ws://127.0.0.1:${await freePort()}${path}`
}

/** Resolves with the next event of a socket. */
export async function event<E extends keyof SocketEvents> (socket: SpSocket, name: E): Promise<SocketEvents[E]['detail']> {
  return (await pEvent<E, SocketEvents[E]>(socket, name)).detail
}

/** Resolves when a socket has so many peers. */
export async function peers (socket: SpSocket, count = 1): Promise<void> {
  while (socket.pipeCount < count) {
    await event(socket, 'pipe:add')
  }
}

/** A socket that listens on a free port, and one that has dialled it; both know each other. */
export async function connect<L extends SpSocket, D extends SpSocket> (listening: L, dialling: D): Promise<{ url: string, listener: L, dialer: D, pipe: Pipe }> {
  const url = await freeUrl()
  const accepted = event(open(listening), 'pipe:add')
  await listening.listen(url)
  await open(dialling).dial(url)

  return { url, listener: listening, dialer: dialling, pipe: await accepted }
}

export function text (bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

export function hex (bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** A bare WebSocket, open, that offers what an SP peer of a listener with this protocol would. */
export async function wire (url: string, listener: ProtocolName): Promise<Peer & { socket: WebSocket }> {
  const socket = new WebSocket(url, subprotocol(listener), { perMessageDeflate: false })
  cleanUp(() => { socket.terminate() })
  await once(socket, 'open')

  return { ...webSocketPeer(socket), socket }
}

/** nngcat takes `--pair` for either version. */
export function toolRole (name: ToolName, role: ProtocolName): string {
  return name === 'nngcat' && role === 'pair' ? '--pair0' : `--${role}`
}
