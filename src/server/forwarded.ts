/**
 * Headers in which proxies say whom they forward for. Pure: a header in, peers out, and no word about whom to believe.
 */
import { isIP } from 'node:net'
import { InvalidMessageError } from '@libp2p/interface'
import parseForwarded from 'forwarded-parse'
import type { Peer } from './proxy-header.ts'

export type ForwardedHeader = 'x-forwarded-for' | 'forwarded' | 'x-real-ip'

/** More proxies in a row than anybody has. */
export const MAX_HOPS = 32

/**
 * An IP address, in brackets if it is IPv6 with a port, and a port or its alias (RFC 7239 section 6 wants the brackets always).
 * No address is longer than 45 characters; what is in the header farther away is the client's, and may be 16 KiB of colons.
 */
const NODE = /^(?:\[([\d.:a-f]{2,45})\]|([\d.]{1,45})|([\d.:a-f]{2,45}))(?::(\d{1,5}|_[\w.-]+))?$/i

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
  const [, bracketed, ip4, bare, alias = '0'] = NODE.exec(node) ?? []
  const host = bracketed ?? ip4 ?? bare ?? ''
  const fits = bracketed == null ? isIP(host) !== 0 : isIP(host) === 6
  const port = alias.startsWith('_') ? 0 : Number(alias)

  return fits && port <= 0xffff ? { host, port } : undefined
}
