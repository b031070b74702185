/**
 * Two ends of one WebSocket for the suites: a channel under test, and a peer that may be ours or of `ws`, on either side
 * of the handshake, over any kind of address.
 */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket, WebSocketServer } from 'ws'
import { parseAddress, toUrl } from '../../src/address/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { channelPeer, webSocketPeer } from './peer.ts'
import type { Peer } from './peer.ts'
import type { dial } from '../../src/channel/dial.ts'
import type { Channel, ChannelOptions } from '../../src/channel/index.ts'
import type { listen } from '../../src/server/index.ts'
import type { Certificate } from '../fixtures/certificate.ts'
import type { AddressInfo } from 'node:net'

/** An implementation of channels: on Node there is one. */
export interface Engine {
  dial: typeof dial
  listen: typeof listen
}

/** Kinds of addresses, by what their multiaddr is for a port. */
export const KINDS: Record<string, (port: number) => string> = {
  ip4: port => `/ip4/127.0.0.1/tcp/${port}/ws`,
  ip6: port => `/ip6/::1/tcp/${port}/ws`,
  tls: port => `/ip4/127.0.0.1/tcp/${port}/tls/ws`,
  unix: () => `/unix/${encodeURIComponent(unixPath())}/ws`,
  'http-path': port => `/ip4/127.0.0.1/tcp/${port}/ws/http-path/${encodeURIComponent('a/b c')}`
}

/** Who the peer is. */
export const OPPOSITES = ['our server', 'our client', 'ws server', 'ws client'] as const
export type Opposite = typeof OPPOSITES[number]

/** Open a channel with `options`, and its peer; both end after the test. */
export type OpenPair = (options?: ChannelOptions) => Promise<{ channel: Channel, peer: Peer }>

let sockets = 0
let certificate: Promise<Certificate> | undefined

export function pairs (engine: Engine, kind: string, opposite: Opposite): OpenPair {
  const open = {
    'our server': ourServer,
    'our client': ourClient,
    'ws server': wsServer,
    'ws client': wsClient
  }[opposite]

  return async (options = {}) => {
    certificate ??= createCertificate()
    const pair = await open(engine, KINDS[kind], await certificate, options)

    cleanUp(() => {
      pair.peer.vanish()
      pair.channel.abort()
    })

    return pair
  }
}

type Open = (engine: Engine, address: (port: number) => string, certificate: Certificate, options: ChannelOptions) => Promise<{ channel: Channel, peer: Peer }>

const ourServer: Open = async (engine, address, certificate, options) => {
  const { dialled, accepted } = await both(engine, address, certificate, options, {})

  return { channel: dialled, peer: channelPeer(accepted) }
}

const ourClient: Open = async (engine, address, certificate, options) => {
  const { dialled, accepted } = await both(engine, address, certificate, {}, options)

  return { channel: accepted, peer: channelPeer(dialled) }
}

async function both (engine: Engine, address: (port: number) => string, certificate: Certificate, dialOptions: ChannelOptions, listenOptions: ChannelOptions): Promise<{ dialled: Channel, accepted: Channel }> {
  const { url, accepted } = await ourListener(engine, address, certificate, listenOptions)

  return { dialled: await engine.dial(url, { ...dialOptions, tls: { ca: certificate.cert } }), accepted: await accepted }
}

const wsServer: Open = async (engine, address, certificate, options) => {
  const { host, tls, unixPath, path } = parseAddress(address(0))
  const server = tls ? createHttpsServer(certificate) : createHttpServer()
  const webSockets = new WebSocketServer({ server, path: unixPath == null ? path : undefined })
  cleanUp(async () => {
    server.close()
    await once(server, 'close')
  })
  server.listen(unixPath == null ? { host, port: 0 } : { path: unixPath })
  await once(server, 'listening')

  const accepted = once(webSockets, 'connection')
  const bound = server.address() as AddressInfo
  const to = unixPath == null ? address(bound.port) : `/unix/${encodeURIComponent(unixPath)}/ws`
  const channel = await engine.dial(to, { ...options, tls: { ca: certificate.cert } })
  const [socket] = await accepted

  return { channel, peer: webSocketPeer(socket) }
}

const wsClient: Open = async (engine, address, certificate, options) => {
  const { url, accepted } = await ourListener(engine, address, certificate, options)
  const target = parseAddress(url)
  const socket = new WebSocket(target.unixPath == null ? toUrl(target) : `ws+unix:${target.unixPath}:/`, { ca: certificate.cert })
  const peer = webSocketPeer(socket)
  await once(socket, 'open')

  return { channel: await accepted, peer }
}

async function ourListener (engine: Engine, address: (port: number) => string, certificate: Certificate, options: ChannelOptions): Promise<{ url: string, accepted: Promise<Channel> }> {
  const { promise, resolve } = Promise.withResolvers<Channel>()
  const input = address(0)
  const server = await engine.listen(input, parseAddress(input).tls ? { ...options, https: certificate } : options, resolve)
  cleanUp(async () => server.close())

  return { url: `${server.addresses[0]}`, accepted: promise }
}

function unixPath (): string {
  return join(tmpdir(), `ws-transport-${process.pid}-${sockets++}.sock`)
}
