/** A channel of ours whose peer is written out by hand: after an honest handshake it writes any bytes, and reads frames. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as tlsConnect, createServer as createTlsServer } from 'node:tls'
import { parseAddress } from '../../src/address/index.ts'
import { dial } from '../../src/channel/index.ts'
import { listen } from '../../src/server/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { upgrade } from '../fixtures/peers.ts'
import { Wire } from './wire.ts'
import type { Channel, ChannelOptions } from '../../src/channel/index.ts'
import type { Server } from '../../src/server/index.ts'
import type { AddressInfo, ListenOptions, Server as NetServer, Socket } from 'node:net'

export type Role = 'client' | 'server'

/** Both sides of a handshake that our end can be on. */
export const ROLES: Role[] = ['client', 'server']

export interface WirePair {
  /** The one under test. */
  channel: Channel
  wire: Wire
}

export interface WireOptions extends ChannelOptions {
  /** Goes out in one segment with the handshake. */
  early?: Uint8Array
  /**
   * TLS is over a Unix socket too.
   *
   * @default 'tcp'
   */
  via?: 'tcp' | 'unix' | 'tls'
}

const REQUEST = [
  'GET / HTTP/1.1',
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  '\r\n'
].join('\r\n')

let unixPaths = 0

/** A channel of ours in `role`, and its far end. */
export async function wirePair (role: Role, options: WireOptions = {}): Promise<WirePair> {
  const pair = await (role === 'server' ? accepted : dialled)(options)

  cleanUp(() => {
    pair.wire.socket.destroy()
    pair.channel.abort()
  })
  // resets are a part of what is tested
  pair.wire.socket.on('error', () => {})

  return pair
}

async function accepted ({ early, via = 'tcp', ...options }: WireOptions): Promise<WirePair> {
  const { promise, resolve } = Promise.withResolvers<Channel>()
  const path = unixPath()
  const https = via === 'tls' ? await createCertificate() : undefined
  const server = await listen(addressOf(via, 0, path), { ...options, https }, resolve)
  cleanUp(async () => server.close())

  const to = via === 'tcp' ? { port: portOf(server), host: '127.0.0.1' } : { path }
  const wire = await clientWire(https == null ? connect(to) : tlsConnect({ ...to, ca: https.cert }), early)

  return { channel: await promise, wire }
}

async function dialled ({ early, via = 'tcp', ...options }: WireOptions): Promise<WirePair> {
  const path = unixPath()
  const certificate = via === 'tls' ? await createCertificate() : undefined
  const server = certificate == null ? createServer() : createTlsServer(certificate)
  const { wire, port } = await serverWire(server, via === 'tcp' ? { port: 0, host: '127.0.0.1' } : { path }, early)
  const channel = await dial(addressOf(via, port, path), { ...options, tls: { ca: certificate?.cert } })

  return { channel, wire: await wire }
}

/** Ask for a WebSocket, whoever made the server. */
export async function clientWire (socket: Socket, early: Uint8Array = new Uint8Array(0)): Promise<Wire> {
  socket.write(Buffer.concat([Buffer.from(REQUEST), early]))
  const [response] = await once(socket, 'data')
  const wire = new Wire(socket, true)
  wire.read(response.subarray(response.indexOf('\r\n\r\n') + 4))

  return wire
}

/** Be the server of one WebSocket client, whoever made it. */
export async function serverWire (server: NetServer, at: ListenOptions, early: Uint8Array = new Uint8Array(0)): Promise<{ port: number, wire: Promise<Wire> }> {
  cleanUp(() => { server.close() })
  server.listen(at)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const wire = once(server, 'setSecureContext' in server ? 'secureConnection' : 'connection').then(async ([socket]) => {
    server.close()
    socket.cork()
    await upgrade(socket)
    socket.write(early)
    socket.uncork()

    return new Wire(socket, false)
  })

  return { port, wire }
}

/** The TCP port of a server of ours. */
export function portOf (server: Server): number {
  return parseAddress(server.addresses[0]).port
}

function addressOf (via: 'tcp' | 'unix' | 'tls', port: number, path: string): string {
  return `${via === 'tcp' ? `/ip4/127.0.0.1/tcp/${port}` : `/unix/${encodeURIComponent(path)}`}${via === 'tls' ? '/tls' : ''}/ws`
}

function unixPath (): string {
  return join(tmpdir(), `ws-transport-${process.pid}-${unixPaths++}.wire`)
}
