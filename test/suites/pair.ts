/**
 * Two ends of one WebSocket for the suites: a channel under test, and a peer that may be ours or of `ws`, on either side
 * of the handshake, over any kind of address.
 */
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { parseAddress, toUrl } from '../../src/address/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { ourFarEnd, wsFarEnd } from './far-end.ts'
import { channelPeer, webSocketPeer } from './peer.ts'
import type { FarEnd } from './far-end.ts'
import type { OpenPair, Peer } from './peer.ts'
import type { dial } from '../../src/channel/dial.ts'
import type { Channel, ChannelOptions } from '../../src/channel/index.ts'
import type { listen } from '../../src/server/index.ts'
import type { Certificate } from '../fixtures/certificate.ts'

/** What makes channels on Node. */
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
  const { url, accepted } = await served(ourFarEnd(engine.listen, address(0), certificate))

  return { channel: await engine.dial(url, { ...options, tls: { ca: certificate.cert } }), peer: channelPeer(await accepted) }
}

const ourClient: Open = async (engine, address, certificate, options) => {
  const { url, accepted } = await served(ourFarEnd(engine.listen, address(0), certificate, options))

  return { peer: channelPeer(await engine.dial(url, { tls: { ca: certificate.cert } })), channel: await accepted }
}

const wsServer: Open = async (engine, address, certificate, options) => {
  const { url, accepted } = await served(wsFarEnd(address, certificate))

  return { channel: await engine.dial(url, { ...options, tls: { ca: certificate.cert } }), peer: webSocketPeer(await accepted) }
}

const wsClient: Open = async (engine, address, certificate, options) => {
  const { url, accepted } = await served(ourFarEnd(engine.listen, address(0), certificate, options))
  const target = parseAddress(url)
  const socket = new WebSocket(target.unixPath == null ? toUrl(target) : `ws+unix:${target.unixPath}:/`, { ca: certificate.cert })
  const peer = webSocketPeer(socket)
  await once(socket, 'open')

  return { channel: await accepted, peer }
}

async function served <T extends FarEnd<unknown>> (end: Promise<T>): Promise<T> {
  const farEnd = await end
  cleanUp(farEnd.close)

  return farEnd
}

function unixPath (): string {
  return join(tmpdir(), `ws-transport-${process.pid}-${sockets++}.sock`)
}
