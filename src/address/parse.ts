/**
 * Addresses come in here: multiaddrs, and the URLs that `fromUrl` takes. The grammar, left to right:
 *
 * - where: `/ip4/H`, `[/ip6zone/Z]/ip6/H`, `/dns/H`, `/dns4/H` or `/dns6/H`, then `[/tcp/P]`; or `/unix/PATH` alone
 * - layers: `/ws`, `/wss`, `/tls/ws` or `/tls/sni/N/ws`; `*.` before N is for those who listen
 * - suffix: `[/http-path/P][/p2p/ID]` or `/p2p/ID/http-path/P`
 *
 * The stock matchers do not know `/http-path` and `/unix`, hence a walk over the components.
 */
import { CODE_HTTP_PATH, CODE_P2P, CODE_SNI, CODE_TLS, CODE_WS, CODE_WSS, isMultiaddr, multiaddr } from '@multiformats/multiaddr'
import { readEndpoint } from './endpoint.ts'
import { formatAddress } from './format.ts'
import { canonicalHost, defaultPort, ipFamily } from './host.ts'
import { invalid } from './invalid.ts'
import { requestTarget } from './path.ts'
import { fromUrl } from './url.ts'
import { Walk } from './walk.ts'
import type { Address } from './address.ts'
import type { Endpoint } from './endpoint.ts'
import type { Component, Multiaddr } from '@multiformats/multiaddr'

/** What the user writes an address as: a multiaddr, as object or string, or a `ws:` or `wss:` URL. */
export type AddressInput = Multiaddr | string | URL

/** What a server name starts with that stands for all names under it, as in a certificate. */
export const WILDCARD = '*.'

type Layers = Pick<Address, 'tls' | 'serverName'>
type Suffix = Pick<Address, 'path' | 'peerId'>

/**
 * @throws {InvalidMultiaddrError} anything but the grammar above and `ws:`/`wss:` URLs; the message holds the address,
 * the component that does not fit, and what to do
 */
export function parseAddress (input: AddressInput): Address {
  const walk = new Walk(toMultiaddr(input))
  const endpoint = readEndpoint(walk)
  const layers = readLayers(walk, endpoint)
  const suffix = readSuffix(walk)
  walk.end()

  return {
    ...endpoint,
    port: endpoint.port ?? defaultPort(layers.tls),
    ...layers,
    ...suffix
  }
}

/**
 * The multiaddr of any address input. One that was given as multiaddr is only read, not checked against the grammar.
 *
 * @throws {InvalidMultiaddrError} not a multiaddr, nor a URL that `fromUrl` takes
 */
export function toMultiaddr (input: AddressInput): Multiaddr {
  if (isMultiaddr(input)) {
    return input
  }

  if (typeof input !== 'string' || !input.startsWith('/')) {
    return formatAddress(fromUrl(input))
  }

  try {
    return multiaddr(input)
  } catch (err: any) {
    const hint = input.startsWith('/unix/') ? '; the path of a socket is one component: write each / in it as %2F' : ''

    throw invalid(input, `not a multiaddr: ${err.message}${hint}`, err)
  }
}

function readLayers (walk: Walk, { host, port }: Endpoint): Layers {
  if (walk.take(CODE_WS) != null) {
    return { tls: false }
  }

  if (walk.take(CODE_WSS) != null) {
    return { tls: true }
  }

  if (walk.take(CODE_TLS) == null) {
    throw walk.unexpected(`${port == null ? '/tcp, ' : ''}/ws, /wss or /tls/ws`)
  }

  const serverName = readServerName(walk)

  if (walk.take(CODE_WS) == null) {
    throw walk.unexpected(serverName == null ? '/ws or /sni' : '/ws')
  }

  return { tls: true, ...(serverName == null || serverName === host ? {} : { serverName }) }
}

function readServerName (walk: Walk): string | undefined {
  const value = walk.takeValue(CODE_SNI)

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

function readSuffix (walk: Walk): Suffix {
  const first = readPeerId(walk)
  const path = walk.takeValue(CODE_HTTP_PATH)
  // libp2p appends the peer id where it is not the last component, so it may well be there twice
  const last = path == null ? undefined : readPeerId(walk)

  if (first != null && last != null && first !== last) {
    throw walk.refuse(`/p2p names two peers: ${first} and ${last}`)
  }

  const peerId = first ?? last

  return { path: requestTarget(path ?? '/'), ...(peerId == null ? {} : { peerId }) }
}

function readPeerId (walk: Walk): string | undefined {
  const component = walk.take(CODE_P2P)

  if (component == null) {
    return
  }

  const value = walk.valueOf(component)
  const peerId = canonicalPeerId(component)

  if (peerId == null) {
    throw walk.refuse(`/p2p: ${JSON.stringify(value)} is not a peer id`)
  }

  return peerId
}

/** The peer id in base58, whatever it was written in. */
function canonicalPeerId (component: Component): string | undefined {
  try {
    const [{ value }] = multiaddr(multiaddr([component]).bytes).getComponents()

    // all peer ids are SHA-256 (Qm...) or identity (1...) multihashes
    return value != null && /^[Q1]/.test(value) ? value : undefined
  } catch {
    return undefined
  }
}
