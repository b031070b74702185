import { invalid } from './invalid.ts'
import { parseAddress, toMultiaddr } from './parse.ts'
import { WILDCARD, readAddress } from './read.ts'
import type { Address } from './address.ts'
import type { AddressInput } from './parse.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** Those that `parseDialAddress` takes. */
export function dialFilter (mas: Multiaddr[]): Multiaddr[] {
  return mas.filter(ma => accepts(parseDialAddress, ma))
}

/** Those that `parseListenAddress` takes. */
export function listenFilter (mas: Multiaddr[]): Multiaddr[] {
  return mas.filter(ma => accepts(parseListenAddress, ma))
}

/**
 * An address to connect to: any but `/tcp/0`, which asks a listener to choose, and `/sni/*.name`, which stands for many.
 *
 * @throws {InvalidMultiaddrError}
 */
export function parseDialAddress (input: AddressInput): Address {
  return dialable(input, parseAddress(input))
}

/**
 * As `parseDialAddress`, of a multiaddr; its peer id stays as it is written.
 *
 * @throws {InvalidMultiaddrError}
 */
export function readDialAddress (ma: Multiaddr): Address {
  return dialable(ma, readAddress(ma))
}

/**
 * An address to listen on: it names its port, since 80 and 443 are not to be taken by accident, and its path has no query,
 * since routes are found by path alone. (A URL cannot tell a default port from none, and means it.)
 *
 * @throws {InvalidMultiaddrError}
 */
export function parseListenAddress (input: AddressInput): Address {
  const ma = toMultiaddr(input)
  const address = parseAddress(ma)

  if (address.unixPath == null && !ma.getComponents().some(({ name }) => name === 'tcp')) {
    throw invalid(`${input}`, '/tcp is missing, which a listener needs: /tcp/0 takes any free port')
  }

  if (address.path.includes('?')) {
    throw invalid(`${input}`, '/http-path has a query, which is not part of a route: leave it out')
  }

  return address
}

function accepts (parse: (ma: Multiaddr) => Address, ma: Multiaddr): boolean {
  try {
    parse(ma)
    return true
  } catch {
    return false
  }
}

function dialable (input: AddressInput, address: Address): Address {
  if (address.port === 0 && address.unixPath == null) {
    throw invalid(`${input}`, '/tcp/0 cannot be dialled: use the port that the listener chose')
  }

  if (address.serverName?.startsWith(WILDCARD) === true) {
    throw invalid(`${input}`, `/sni/${address.serverName} cannot be dialled: use one of the names that it stands for`)
  }

  return address
}
