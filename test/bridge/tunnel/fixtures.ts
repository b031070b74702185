/** Keys, targets and tunnels that are gone after the test. */
import { once } from 'node:events'
import { connect as tcpConnect, createServer } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { connect, expose } from '../../../src/bridge/tunnel/index.ts'
import { cleanUp } from '../../fixtures/clean-up.ts'
import type { Connected, ConnectOptions, Exposed, ExposeOptions } from '../../../src/bridge/tunnel/index.ts'
import type { PrivateKey } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { AddressInfo, Server, Socket } from 'node:net'

export const LOCAL = '/ip4/127.0.0.1/tcp/0/ws'
export const LOCAL_TCP = 'tcp://127.0.0.1:0'

export async function newKey (): Promise<PrivateKey> {
  return generateKeyPair('Ed25519')
}

/** The peer id that a key proves. */
export function peerOf (key: PrivateKey): string {
  return `${key.publicKey}`
}

export interface TcpTarget {
  url: string
  /** All that it accepted. */
  sockets: Socket[]
  accept (): Promise<Socket>
}

/** A TCP server; without `onsocket` it sends back what it gets, with both ends. */
export async function tcpTarget (onsocket: (socket: Socket) => void = socket => { socket.pipe(socket) }): Promise<TcpTarget> {
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    onsocket(socket)
  })
  cleanUp(async () => {
    sockets.forEach(socket => { socket.destroy() })
    await closed(server)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    accept: async () => (await once(server, 'connection'))[0]
  }
}

async function closed (server: Server): Promise<void> {
  server.close()
  await once(server, 'close')
}

/** Expose until the test is over. */
export async function exposed (target: string, options: ExposeOptions): Promise<Exposed> {
  const end = await expose(target, options)
  cleanUp(async () => end.close())

  return end
}

/** Connect until the test is over. */
export async function connected (address: string | Multiaddr, options: ConnectOptions): Promise<Connected> {
  const end = await connect(address, options)
  cleanUp(async () => end.close())

  return end
}

export interface Tunnel {
  exposed: Exposed
  connected: Connected
  key: PrivateKey
}

/** Both ends, on this machine. */
export async function tunnel (target: string, options: Partial<ConnectOptions> = {}, exposeOptions: Partial<ExposeOptions> = {}): Promise<Tunnel> {
  const key = await newKey()
  const end = await exposed(target, { listen: LOCAL, allow: [peerOf(key)], ...exposeOptions })

  return { exposed: end, connected: await connected(end.addresses[0], { key, local: LOCAL_TCP, ...options }), key }
}

/** An open TCP connection to the local end, which may end one direction. */
export async function open ({ local: [address] }: Connected): Promise<Socket> {
  const socket = tcpConnect({ port: portOf(address), host: '127.0.0.1', allowHalfOpen: true })

  cleanUp(() => { socket.destroy() })
  socket.on('error', () => {})
  await once(socket, 'connect')

  return socket
}

export function portOf (address: Multiaddr): number {
  return Number(address.getComponents().find(({ name }) => name === 'tcp' || name === 'udp')?.value)
}

/** All that comes until the other side ends. */
export async function readAll (socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []

  for await (const chunk of socket) {
    chunks.push(chunk)
  }

  return Buffer.concat(chunks)
}

/** The next `length` bytes, at least. */
export async function readSome (socket: Socket, length: number = 1): Promise<Buffer> {
  const chunks: Buffer[] = []

  for (let size = 0; size < length;) {
    const [chunk] = await once(socket, 'data')
    chunks.push(chunk)
    size += chunk.length
  }

  socket.pause()

  return Buffer.concat(chunks)
}

/** What a target that sends back answers, through the tunnel. */
export async function echoed (end: Connected, text: string): Promise<string> {
  const socket = await open(end)
  socket.end(text)

  return `${await readAll(socket)}`
}

/** Resolves when a socket is closed, with whether that was a reset. */
export async function closing (socket: Socket): Promise<boolean> {
  return new Promise(resolve => { socket.once('close', resolve) })
}
