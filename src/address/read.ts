/**
 * Reads multiaddrs. The grammar, left to right:
 *
 * - where: `/ip4/H`, `[/ip6zone/Z]/ip6/H`, `/dns/H`, `/dns4/H` or `/dns6/H`, then `[/tcp/P]`; or `/unix/PATH` alone
 * - layers: `/ws`, `/wss`, `/tls/ws` or `/tls/sni/N/ws`; `*.` before N is for those who listen
 * - suffix: `[/http-path/P][/p2p/ID]` or `/p2p/ID/http-path/P`
 *
 * The stock matchers do not know `/http-path` and `/unix`, hence a walk over the components. It makes no multiaddr, so that
 * a bundle of the transport need not hold the parser of text, and all the encodings that peer ids come in.
 */
import { readEndpoint } from './endpoint.ts'
import { canonicalHost, defaultPort, ipFamily } from './host.ts'
import { requestTarget } from './path.ts'
import { Walk } from './walk.ts'
import type { Address } from './address.ts'
import type { Endpoint } from './endpoint.ts'
import type { Component, Multiaddr } from '@multiformats/multiaddr'

/** What a server name starts with that stands for all names under it, as in a certificate. */
export const WILDCARD = '*.'

type Layers = Pick<Address, 'tls' | 'serverName'>
type Suffix = Pick<Address, 'path' | 'peerId'>
/** The text form of a peer id; undefined for what is none. */
type PeerIdReader = (component: Component) => string | undefined

/**
 * @param ma - read only
 * @param peerIdOf - for those who read the peer id of the result; by default it stays as it is written
 * @throws {InvalidMultiaddrError} anything but the grammar above; the message holds the address, the component that does
 * not fit, and what to do
 */
export function readAddress (ma: Multiaddr, peerIdOf: PeerIdReader = writtenPeerId): Address {
  const walk = new Walk(ma)
  const endpoint = readEndpoint(walk)
  const layers = readLayers(walk, endpoint)
  const suffix = readSuffix(walk, peerIdOf)
  walk.end()

  return {
    ...endpoint,
    port: endpoint.port ?? defaultPort(layers.tls),
    ...layers,
    ...suffix
  }
}

function readLayers (walk: Walk, { host, port }: Endpoint): Layers {
  if (walk.take('ws') != null) {
    return { tls: false }
  }

  if (walk.take('wss') != null) {
    return { tls: true }
  }

  if (walk.take('tls') == null) {
    throw walk.unexpected(`${port == null ? '/tcp, ' : ''}/ws, /wss or /tls/ws`)
  }

  const serverName = readServerName(walk)

  if (walk.take('ws') == null) {
    throw walk.unexpected(serverName == null ? '/ws or /sni' : '/ws')
  }

  return { tls: true, ...(serverName == null || serverName === host ? {} : { serverName }) }
}

function readServerName (walk: Walk): string | undefined {
  const value = walk.takeValue('sni')

  if (value == null) {
    return
  }

  const wildcard = value.startsWith(WILDCARD) ? WILDCARD : ''
  const name = canonicalHost(value.slice(wildcard.length))

  // RFC 6066 section 3: literal IP addresses are not permitted
  if (name == null || ipFamily(name) !== 0) {
    throw walk.refuse(`/sni: ${JSON.stringify(value)} is not a DNS name`)
  }

  return `${wildcard}${name}`
}

function readSuffix (walk: Walk, peerIdOf: PeerIdReader): Suffix {
  const first = readPeerId(walk, peerIdOf)
  const path = walk.takeValue('http-path')
  // libp2p appends the peer id where it is not the last component, so it may well be there twice
  const last = path == null ? undefined : readPeerId(walk, peerIdOf)

  if (first != null && last != null && first !== last) {
    throw walk.refuse(`/p2p names two peers: ${first} and ${last}`)
  }

  const peerId = first ?? last

  return { path: requestTarget(path ?? '/'), ...(peerId == null ? {} : { peerId }) }
}

function readPeerId (walk: Walk, peerIdOf: PeerIdReader): string | undefined {
  const component = walk.take('p2p')

  if (component == null) {
    return
  }

  const value = walk.valueOf(component)
  const peerId = peerIdOf(component)

  if (peerId == null) {
    throw walk.refuse(`/p2p: ${JSON.stringify(value)} is not a peer id`)
  }

  return peerId
}

/** Multihashes in base58, and CIDs in the bases that are used for them. */
function writtenPeerId ({ value = '' }: Component): string | undefined {
  return /^[1Qbkz]\w+$/.test(value) ? value : undefined
}
