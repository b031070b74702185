/** A server that keeps a record of what came in, and raw clients that send it whatever a test wants. */
import { randomBytes, randomInt } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect as tcpConnect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as tlsConnect } from 'node:tls'
import { dial } from '../../src/channel/index.ts'
import { listen } from '../../src/server/index.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import type { Channel, ChannelClose, DialOptions } from '../../src/channel/index.ts'
import type { HandshakeStage, ListenOptions, Server } from '../../src/server/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'

export interface Served {
  server: Server
  /** Of the first address; 0 for a Unix socket. */
  port: number
  connections: number
  channels: Channel[]
  requests: IncomingMessage[]
  failures: Array<{ stage: HandshakeStage, error: Error }>
  /** Resolves when so many sockets were accepted, since the start. */
  connected (count: number): Promise<void>
  /** Resolves with the last one when so many channels were opened, since the start. */
  accepted (count?: number): Promise<Channel>
  /** Resolves with the last one when so many handshakes failed, since the start. */
  failed (count?: number): Promise<{ stage: HandshakeStage, error: Error }>
}

/** Listen, and send every message back. */
export async function serve (options: ListenOptions = {}, address = '/ip4/127.0.0.1/tcp/0/ws', onChannel: (channel: Channel, request: IncomingMessage) => void = echo): Promise<Served> {
  const events = new EventEmitter()
  const until = async (reached: () => boolean): Promise<void> => {
    while (!reached()) {
      await once(events, 'change')
    }
  }
  const channels: Channel[] = []
  const requests: IncomingMessage[] = []
  const failures: Served['failures'] = []
  const server = await listen(address, {
    ...options,
    onconnection () {
      served.connections++
      events.emit('change')
    },
    onhandshakefailed (stage, error) {
      failures.push({ stage, error })
      events.emit('change')
    }
  }, (channel, request) => {
    channels.push(channel)
    requests.push(request)
    events.emit('change')
    onChannel(channel, request)
  })
  cleanUp(async () => server.close())

  const served: Served = {
    server,
    port: portOf(server.addresses[0]),
    connections: 0,
    channels,
    requests,
    failures,
    async connected (count) {
      await until(() => served.connections >= count)
    },
    async accepted (count = 1) {
      await until(() => channels.length >= count)

      return channels[count - 1]
    },
    async failed (count = 1) {
      await until(() => failures.length >= count)

      return failures[count - 1]
    }
  }

  return served
}

export function echo (channel: Channel): void {
  channel.onmessage = (data, text) => { channel.send(data, { text }) }
}

/** A channel that reads whatever comes, until the test is over. */
export async function open (address: Multiaddr | string, options?: DialOptions): Promise<Channel> {
  const channel = await dial(address, options)
  channel.onmessage = () => {}
  cleanUp(() => { channel.abort() })

  return channel
}

/** What comes back for a message. */
export async function exchange (channel: Channel, text: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  channel.onmessage = data => { resolve(Buffer.from(data).toString()) }
  channel.onclose = ({ code }: ChannelClose) => { reject(new Error(`closed with ${code}`)) }
  channel.send(Buffer.from(text))

  return promise
}

export interface RawClient {
  socket: Socket
  /** All that the server has sent. */
  readonly received: string
  /** Resolves when `received` has it. */
  receives (text: string): Promise<void>
  /** Resolves with `received` when the socket is gone. */
  closed: Promise<string>
}

/** A socket, connected to a TCP port or to the path of a Unix socket, that has sent `text`, a byte per character. */
export async function rawClient (port: number | string, text = ''): Promise<RawClient> {
  const socket = typeof port === 'string' ? tcpConnect(port) : tcpConnect(port, '127.0.0.1')
  const client = record(socket)
  await once(socket, 'connect')
  socket.write(text, 'latin1')

  return client
}

/** A TLS socket after its handshake, that has sent `text`. */
export async function rawTlsClient (port: number, text = '', options: ConnectionOptions = {}): Promise<RawClient> {
  const socket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
  const client = record(socket)
  await once(socket, 'secureConnect')
  socket.write(text, 'latin1')

  return client
}

function record (socket: Socket): RawClient {
  let received = ''
  cleanUp(() => { socket.destroy() })
  // resets are a part of what is tested
  socket.on('error', () => {})
  socket.on('data', (data) => { received += data.toString('latin1') })

  return {
    socket,
    get received () {
      return received
    },
    async receives (text) {
      while (!received.includes(text)) {
        await once(socket, 'data')
      }
    },
    closed: new Promise(resolve => { socket.once('close', () => { resolve(received) }) })
  }
}

/** An upgrade request for a WebSocket; a header that is undefined is left out. */
export function upgradeRequest (headers: Record<string, string | undefined> = {}, line = 'GET / HTTP/1.1'): string {
  const all = {
    Host: 'localhost',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    ...headers
  }
  const lines = Object.entries(all).filter(([, value]) => value != null).map(([name, value]) => `${name}: ${value}\r\n`)

  return `${line}\r\n${lines.join('')}\r\n`
}

/** A port for listeners that share one: free, and not among those that systems hand out for port 0. */
export async function freePort (): Promise<number> {
  const port = randomInt(10_000, 30_000)

  return await refusesTcp(port) ? port : freePort()
}

/** The path of a Unix socket, in a directory that is there for one test. */
export async function socketPath (): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ws-'))
  cleanUp(async () => rm(directory, { recursive: true }))

  return join(directory, 'socket')
}

/** Whether nothing listens there. */
export async function refusesTcp (port: number, host = '127.0.0.1'): Promise<boolean> {
  const socket = tcpConnect(port, host)
  cleanUp(() => { socket.destroy() })

  try {
    await once(socket, 'connect')

    return false
  } catch (error: any) {
    return error.code === 'ECONNREFUSED'
  }
}

/** The error that a promise is rejected with. */
export async function rejection (promise: Promise<unknown>): Promise<any> {
  return promise.then(() => { throw new Error('it was not rejected') }, error => error)
}

export function portOf (ma: Multiaddr): number {
  return Number(ma.getComponents().find(({ name }) => name === 'tcp')?.value ?? 0)
}
