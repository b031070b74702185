/** Bridges as commands in this process, with peers to dial and clients that dial them. */
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:net'
import { WebSocket } from 'ws'
import { run } from '../../src/cli/cli.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { webSocketPeer } from '../suites/peer.ts'
import { recorder } from './fixtures.ts'
import type { Peer } from '../suites/peer.ts'
import type { AddressInfo, ListenOptions, Socket } from 'node:net'
import type { ClientOptions } from 'ws'

export interface RunningBridge {
  /** `ws:` or `wss:` URL of the first address, or the multiaddr of what is none. */
  url: string
  addresses: string[]
  /** What it logged, and said. */
  readonly stderr: string
  /** Resolves when it has written this to stderr. */
  logged (text: string): Promise<void>
  /** As SIGHUP does. */
  reload (): void
  /** As SIGTERM does; resolves with the exit code. */
  stop (): Promise<number>
}

/** Run the command; it is stopped after the test. */
export async function runningBridge (...args: string[]): Promise<RunningBridge> {
  const [stdout, stderr] = [recorder(), recorder()]
  const stop = new AbortController()
  const written = new EventEmitter()
  let reload = (): void => {}

  const writer = (record: typeof stdout): typeof stdout => ({
    ...record,
    write (data) {
      record.write(data)
      written.emit('data')
    }
  })
  const code = run(args, {
    stdout: writer(stdout),
    stderr: writer(stderr),
    env: {},
    signal: stop.signal,
    onReload (listener) {
      reload = listener
      return () => { reload = () => {} }
    }
  })
  const ended = code.then(() => { throw new Error(`the bridge has ended: ${stderr.text}`) })
  ended.catch(() => {})
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) {
      await Promise.race([once(written, 'data'), ended])
    }
  }
  cleanUp(async () => {
    stop.abort()
    await code
  })

  await until(() => stderr.text.includes('listening, stop with Ctrl-C\n'))
  const addresses = stdout.text.startsWith('{') ? JSON.parse(stdout.text).addresses : stdout.text.trim().split('\n')

  return {
    url: urlOf(addresses[0]),
    addresses,
    get stderr () { return stderr.text },
    logged: async text => until(() => stderr.text.includes(text)),
    reload: () => { reload() },
    stop: async () => {
      stop.abort()
      return code
    }
  }
}

function urlOf (address: string): string {
  const [, host, port, tls, path] = /^\/ip4\/([\d.]+)\/tcp\/(\d+)(\/tls)?\/ws(?:\/http-path\/(.*))?$/.exec(address) ?? []

  return host == null ? address : `${tls == null ? 'ws' : 'wss'}://${host}:${port}/${path ?? ''}`
}

export interface Target {
  /** `tcp:` URL. */
  url: string
  port: number
  /** The next connection. */
  accepted (): Promise<Socket>
}

/** A TCP server; without a handler it sends everything back, behind a greeting. */
export async function target (onconnection: (socket: Socket) => void = echo, greeting = '', listen: ListenOptions = { port: 0, host: '127.0.0.1' }): Promise<Target> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.write(greeting)
    onconnection(socket)
  })
  server.listen(listen)
  await once(server, 'listening')
  cleanUp(async () => {
    sockets.forEach(socket => socket.destroy())
    server.close()
    await once(server, 'close')
  })

  const { port } = server.address() as AddressInfo

  return {
    url: `tcp://127.0.0.1:${port}`,
    port,
    async accepted () {
      const [socket] = await once(server, 'connection')

      return socket
    }
  }
}

function echo (socket: Socket): void {
  socket.pipe(socket)
}

export type Client = Peer & { protocol: string }

/** An open WebSocket; it ends with the test. */
export async function client (url: string, protocols: string[] = [], options: ClientOptions = {}): Promise<Client> {
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false, ...options })
  const peer = webSocketPeer(socket)
  cleanUp(() => { socket.terminate() })
  await once(socket, 'open')

  return { ...peer, protocol: socket.protocol }
}

/** The status that a client is refused with. */
export async function refusal (url: string, protocols: string[] = [], options: ClientOptions = {}): Promise<number> {
  const socket = new WebSocket(url, protocols, options)
  socket.on('error', () => {})
  const [request, response] = await once(socket, 'unexpected-response')
  request.destroy()

  return response.statusCode
}

/** What comes back, each as `text ...` or `binary ...`; if nothing is sent, what came since the start. */
export async function exchange (peer: Peer, sent: string, count = 1): Promise<string[]> {
  const before = sent === '' ? 0 : peer.inbox.messages.length

  if (sent !== '') {
    peer.send(Buffer.from(sent, 'latin1'))
  }

  await peer.inbox.until(({ messages }) => messages.length >= before + count)

  return peer.inbox.messages.slice(before).map(({ data, text }) => `${text ? 'text' : 'binary'} ${Buffer.from(data).toString('latin1')}`)
}
