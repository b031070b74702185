/**
 * Which addresses are proxies of ours, whose word about their clients counts.
 */
import { BlockList, isIP } from 'node:net'
import { InvalidParametersError } from '@libp2p/interface'
import { MAX_HOPS } from './forwarded.ts'

/**
 * Addresses and CIDR ranges, and `unix` for who comes by a Unix socket; or how many proxies there are in a row; or a
 * function of an IP address, or `unix`, and of how many proxies are between it and here.
 */
export type TrustProxy = string | string[] | number | ((address: string, hop: number) => boolean)

export type Trust = (address: string, hop: number) => boolean

/** What a peer of a Unix socket has in the place of an address. */
export const UNIX = 'unix'

/**
 * @param trustProxy - nobody is trusted without it
 * @throws {InvalidParametersError} it is none of what it may be
 */
export function trustOf (trustProxy: TrustProxy = []): Trust {
  if (typeof trustProxy === 'function') {
    return trustProxy
  }

  if (typeof trustProxy === 'number') {
    if (!Number.isInteger(trustProxy) || trustProxy < 0 || trustProxy > MAX_HOPS) {
      throw new InvalidParametersError(`trustProxy: ${trustProxy} is not a number of proxies, 0 to ${MAX_HOPS}`)
    }

    return (_, hop) => hop < trustProxy
  }

  return listed([trustProxy].flat())
}

function listed (ranges: string[]): Trust {
  const list = new BlockList()

  ranges.filter(range => range !== UNIX).forEach(range => { add(list, range) })

  return address => isIP(address) === 0 ? ranges.includes(address) : list.check(address, familyOf(address))
}

function add (list: BlockList, range: string): void {
  const [, address, prefix] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(range) ?? []

  try {
    if (prefix == null) {
      list.addAddress(address, familyOf(address))
    } else {
      list.addSubnet(address, Number(prefix), familyOf(address))
    }
  } catch (cause: any) {
    const error = new InvalidParametersError(`trustProxy: ${JSON.stringify(range)} is not an IP address, a CIDR range or ${UNIX}`)
    error.cause = cause
    throw error
  }
}

function familyOf (address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}
