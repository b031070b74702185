/** Bridges, what is behind them and who comes to them: real sockets, and `ws` as the client, which is not ours. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { WebSocket } from 'ws'
import { bridge } from '../../src/bridge/index.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { portOf } from '../server/fixtures.ts'
import { Inbox } from '../suites/peer.ts'
import type { Bridge, BridgeOptions } from '../../src/bridge/index.ts'
import type { AddressInfo, Socket } from 'node:net'
import type { ClientOptions } from 'ws'

/** For tests that want no surprises: a close that takes its time is not waited for. */
const CLOSE_TIMEOUT = 500

export async function startBridge (listen: string, options: BridgeOptions): Promise<Bridge> {
  const started = await bridge(listen, { closeTimeout: CLOSE_TIMEOUT, ...options })
  cleanUp(async () => started.close())

  return started
}

/** The URL of a bridge that listens for WebSockets. */
export function urlOf ({ addresses }: Bridge, path = '/'): string {
  return `${addresses[0].toString().includes('tls') ? 'wss' : 'ws'}://127.0.0.1:${portOf(addresses[0])}${path}`
}

export interface Target {
  /** `tcp://127.0.0.1:port`, or that of the Unix socket. */
  url: string
  port: number
  sockets: Socket[]
  /** Resolves with the next socket that comes in. */
  next (): Promise<Socket>
}

/** A TCP server, or one on a Unix socket, that keeps half-open sockets open, as servers do that have more to say. */
export async function startTarget (onsocket: (socket: Socket) => void = () => {}, path?: string): Promise<Target> {
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    cleanUp(() => { socket.destroy() })
    onsocket(socket)
  })
  server.listen(path ?? { port: 0, host: '127.0.0.1' })
  cleanUp(() => { server.close() })
  await once(server, 'listening')
  const port = path == null ? (server.address() as AddressInfo).port : 0

  return {
    url: path == null ? `tcp://127.0.0.1:${port}` : `unix://${path}`,
    port,
    sockets,
    async next () {
      const [socket] = await once(server, 'connection')

      return socket
    }
  }
}

/** Sends everything back, and its end as well. */
export function echo (socket: Socket): void {
  socket.on('data', data => { socket.write(data) })
  socket.on('end', () => { socket.end() })
}

export interface Client {
  socket: WebSocket
  inbox: Inbox
  closed: Promise<{ code: number, reason: string }>
}

/** A WebSocket of `ws` to a bridge, open. */
export async function openClient (url: string, protocols: string[] = [], options: ClientOptions = {}): Promise<Client> {
  const socket = new WebSocket(url, protocols, { rejectUnauthorized: false, ...options })
  const inbox = new Inbox()
  const closed = new Promise<{ code: number, reason: string }>(resolve => {
    socket.on('close', (code, reason) => { resolve({ code, reason: reason.toString() }) })
  })
  cleanUp(() => { socket.terminate() })
  socket.on('message', (data: Buffer, binary) => { inbox.add(data, !binary) })
  await once(socket, 'open')
  socket.on('error', () => {})

  return { socket, inbox, closed }
}

/** The status of the answer that is no WebSocket. */
export async function refusal (url: string, protocols: string[] = [], options: ClientOptions = {}): Promise<{ status: number, headers: Record<string, unknown> }> {
  const socket = new WebSocket(url, protocols, options)

  return new Promise((resolve, reject) => {
    socket.on('unexpected-response', (request, response) => {
      resolve({ status: response.statusCode ?? 0, headers: response.headers })
      request.destroy()
    })
    socket.on('open', () => {
      socket.terminate()
      reject(new Error('it was accepted'))
    })
    socket.on('error', reject)
  })
}

export interface TcpClient {
  socket: Socket
  inbox: Inbox
  ended: Promise<unknown>
  /** Resolves with the error of the socket, if it had one. */
  closed: Promise<Error | undefined>
}

/** A socket to a port or a path. */
export async function openSocket (where: number | string): Promise<TcpClient> {
  const socket = connect({ ...typeof where === 'number' ? { port: where, host: '127.0.0.1' } : { path: where }, allowHalfOpen: true })
  const inbox = new Inbox()
  let error: Error | undefined
  cleanUp(() => { socket.destroy() })
  socket.on('error', err => { error = err })
  socket.on('data', (data: Buffer) => { inbox.add(data, false) })
  await once(socket, 'connect')

  return {
    socket,
    inbox,
    ended: new Promise(resolve => { socket.once('end', resolve) }),
    closed: new Promise(resolve => { socket.once('close', () => { resolve(error) }) })
  }
}
