/**
 * Where the ends of a bridge are: TCP, UDP, a Unix socket or a WebSocket, as multiaddr or URL. The URLs have a mapping of their
 * own, because the multiaddr libraries know none for Unix sockets.
 *
 * | URL | multiaddr |
 * |---|---|
 * | `tcp://host:port` | `/dns/host/tcp/port`; `/ip4` and `/ip6` for IP addresses |
 * | `udp://host:port` | `/dns/host/udp/port` |
 * | `unix:///run/a.sock` | `/unix/%2Frun%2Fa.sock` |
 * | `ws://`, `wss://` | `/dns/host/tcp/port/ws` and so on |
 */
import { isMultiaddr, multiaddr } from '@multiformats/multiaddr'
import { readEndpoint } from '../address/endpoint.ts'
import { canonicalHost, ipFamily } from '../address/host.ts'
import { formatAddress, parseDialAddress, parseListenAddress } from '../address/index.ts'
import { invalid } from '../address/invalid.ts'
import { toMultiaddr } from '../address/parse.ts'
import { Walk } from '../address/walk.ts'
import type { Address, AddressInput } from '../address/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** A TCP or UDP port. */
export interface PortTarget {
  readonly kind: 'tcp' | 'udp'
  /** IP or DNS name, without brackets and zone. */
  readonly host: string
  /** 4 or 6 for IP hosts, `dns4` and `dns6`; 0 when the name may resolve to either. */
  readonly family: 0 | 4 | 6
  readonly port: number
  /** IPv6 zone. */
  readonly zone?: string
}

/** A Unix stream socket. */
export interface UnixTarget {
  readonly kind: 'unix'
  readonly path: string
}

export interface WebSocketTarget {
  readonly kind: 'ws'
  readonly address: Address
}

export type Target = PortTarget | UnixTarget | WebSocketTarget

/** Schemes of other programs, and what is the matter with them. */
const UNSUPPORTED = new Map([
  ['unix-dgram:', 'Node has no datagram sockets in the Unix domain: use unix:// or udp://'],
  ['fifotx:', 'pipes are not supported: use unix:// or tcp://'],
  ['fiforx:', 'pipes are not supported: use unix:// or tcp://'],
  ['http:', 'not a WebSocket: write ws://'],
  ['https:', 'not a WebSocket: write wss://']
])

const KNOWN = 'tcp://host:port, udp://host:port, unix:///path, ws://, wss:// or a multiaddr'

/**
 * The end to connect to.
 *
 * @throws {InvalidMultiaddrError} anything but the table above, a WebSocket address that cannot be dialled, or port 0
 */
export function parseTarget (input: AddressInput): Target {
  const target = parse(input, parseDialAddress)

  if ('port' in target && target.port === 0) {
    throw invalid(`${input}`, 'port 0 cannot be dialled: use the port that the listener chose')
  }

  return target
}

/**
 * The end to listen on; port 0 is any free port.
 *
 * @throws {InvalidMultiaddrError} anything but the table above, or a WebSocket address that cannot be listened on
 */
export function parseListenTarget (input: AddressInput): Target {
  return parse(input, parseListenAddress)
}

/** The canonical multiaddr of a target. */
export function formatTarget (target: Target): Multiaddr {
  switch (target.kind) {
    case 'ws': return formatAddress(target.address)
    case 'unix': return multiaddr(`/unix/${encodeURIComponent(target.path)}`)
    default: return multiaddr(formatPort(target))
  }
}

function formatPort ({ kind, host, family, port, zone }: PortTarget): string {
  const name = ipFamily(host) === 0 ? 'dns' : 'ip'

  return `${zone == null ? '' : `/ip6zone/${zone}`}/${name}${family === 0 ? '' : family}/${host}/${kind}/${port}`
}

function parse (input: AddressInput, parseWebSocket: (input: AddressInput) => Address): Target {
  if (isMultiaddr(input) || `${input}`.startsWith('/')) {
    return readMultiaddr(toMultiaddr(input), parseWebSocket)
  }

  // not before this: `localhost:80` has a scheme for the URL standard
  const scheme = /^([a-z][a-z\d+.-]*:)\/\//i.exec(`${input}`)?.[1].toLowerCase()

  switch (scheme) {
    case 'ws:':
    case 'wss:': return { kind: 'ws', address: parseWebSocket(input) }
    case 'tcp:':
    case 'udp:': return readPortUrl(`${input}`)
    case 'unix:': return readUnixUrl(`${input}`)
    default: throw invalid(`${input}`, UNSUPPORTED.get(scheme ?? '') ?? `not an address of a bridge: write ${KNOWN}`)
  }
}

function readMultiaddr (ma: Multiaddr, parseWebSocket: (input: AddressInput) => Address): Target {
  if (ma.getComponents().some(({ name }) => name === 'ws' || name === 'wss')) {
    return { kind: 'ws', address: parseWebSocket(ma) }
  }

  const walk = new Walk(ma)
  const { unixPath, port, ...where } = readEndpoint(walk)
  const udpPort = unixPath == null && port == null ? walk.takeValue('udp') : undefined

  if (unixPath == null && port == null && udpPort == null) {
    throw walk.unexpected('/tcp or /udp')
  }

  walk.end()

  return unixPath != null
    ? { kind: 'unix', path: unixPath }
    : { kind: port == null ? 'udp' : 'tcp', ...where, port: port ?? Number(udpPort) }
}

function readPortUrl (text: string): PortTarget {
  const [, scheme, bracketed, bare, port] = /^(tcp|udp):\/\/(?:\[([^\]]*)\]|([^:/?#@[\]]+))(?::(\d{1,5}))?\/?$/i.exec(text) ?? []
  const kind = scheme?.toLowerCase() as 'tcp' | 'udp'
  const host = canonicalHost(bracketed ?? bare ?? '')

  if (host == null || (ipFamily(host) === 6) !== (bracketed != null)) {
    throw invalid(text, bracketed?.includes('%') === true
      ? 'a URL cannot hold an IPv6 zone: write /ip6zone/Z/ip6/H/tcp/P'
      : 'not host and port: write tcp://host:port or udp://host:port, and IPv6 addresses in brackets')
  }

  if (port == null || Number(port) > 65_535) {
    throw invalid(text, port == null ? `the port is missing: write ${kind}://${bare ?? `[${host}]`}:port` : `${port} is not a port`)
  }

  return { kind, host, family: ipFamily(host), port: Number(port) }
}

/** What stands behind `unix://` is the path, with percent escapes. */
function readUnixUrl (text: string): UnixTarget {
  const path = unescape(text, text.slice('unix://'.length))

  if (!path.startsWith('/') || path.includes('\0')) {
    throw invalid(text, 'not the absolute path of a socket: write unix:///path/to/socket, with three slashes')
  }

  return { kind: 'unix', path }
}

function unescape (text: string, path: string): string {
  try {
    return decodeURIComponent(path)
  } catch (err) {
    throw invalid(text, 'it has a % that starts no escape: write %25', err)
  }
}
