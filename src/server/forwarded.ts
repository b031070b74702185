/**
 * Headers in which proxies say whom they forward for. Pure: a header in, peers out, and no word about whom to believe.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { InvalidMessageError } from '@libp2p/interface'
import parseForwarded from 'forwarded-parse'
import type { Peer } from './proxy-header.ts'

export type ForwardedHeader = 'x-forwarded-for' | 'forwarded' | 'x-real-ip'

/** More proxies in a row than anybody has. */
export const MAX_HOPS = 32

/**
 * An IP address with a port or its alias, in brackets if it is IPv6 (RFC 7239 section 6 wants them always). Clients write these
 * headers too: nothing in it can match in two ways, so that no text takes long.
 */
const NODE = /^(?:\[([\d.:a-f]+)\]|([\d.]+))(?::(\d{1,5}|_[\w.-]+))?$/i

/**
 * Whom a request was forwarded for: the one that the nearest proxy names is first. It ends before one that is not an IP
 * address, such as `unknown`.
 *
 * @throws {InvalidMessageError} a `Forwarded` header that RFC 7239 does not allow
 */
export function forwardedFor (header: ForwardedHeader, value: string | undefined): Peer[] {
  const nodes = value == null ? [] : nodesOf(header, value)
  const peers = nodes.reverse().slice(0, MAX_HOPS).map(peerOf)
  const unknown = peers.indexOf(undefined)

  return (unknown === -1 ? peers : peers.slice(0, unknown)) as Peer[]
}

function nodesOf (header: ForwardedHeader, value: string): string[] {
  if (header === 'x-forwarded-for') {
    return value.split(',').map(node => node.trim())
  }

  if (header === 'x-real-ip') {
    return [value.trim()]
  }

  try {
    return parseForwarded(value).map(element => element.for ?? 'unknown')
  } catch (cause: any) {
    const error = new InvalidMessageError('The Forwarded header is malformed (RFC 7239 section 4)')
    error.cause = cause
    throw error
  }
}

function peerOf (node: string): Peer | undefined {
  if (isIPv6(node)) {
    return node.includes('%') ? undefined : { host: node, port: 0 }
  }

  const [, bracketed = '', ip4 = '', alias = '0'] = NODE.exec(node) ?? []
  const port = alias.startsWith('_') ? 0 : Number(alias)

  return (isIPv6(bracketed) || isIPv4(ip4)) && port <= 0xffff ? { host: bracketed || ip4, port } : undefined
}
