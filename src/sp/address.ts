/**
 * The URLs of NNG and nanomsg that are none: `ws://*:5555` and `ws://:5555` to listen, `ws4:`, `ws6:`, `wss4:` and `wss6:`
 * for one address family. Pure.
 */
import { InvalidMultiaddrError } from '@libp2p/interface'
import { formatAddress, fromUrl } from '../address/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

export type AddressInput = Multiaddr | URL | string

const FAMILY_URL = /^(wss?)([46]):\/\/(.*)$/s
const WILDCARD_URL = /^(wss?)([46]?):\/\/\*?(:.*)$/s

/**
 * What the rest of the project takes for an address.
 *
 * @throws {InvalidMultiaddrError} an IP address of the other family, a URL that is none for other reasons
 */
export function dialAddress (input: AddressInput): AddressInput {
  const [, scheme, digit, rest] = FAMILY_URL.exec(`${input}`) ?? []

  if (rest == null) {
    return input
  }

  const family = digit === '4' ? 4 : 6
  const address = fromUrl(`${scheme}://${rest}`)

  if (address.family !== 0 && address.family !== family) {
    throw new InvalidMultiaddrError(`Invalid address ${input}: the scheme is for IPv${family}, and ${address.host} is not`)
  }

  return formatAddress({ ...address, family })
}

/** The same, with wildcards: NNG binds them in IPv4 unless the scheme says `6`. */
export function listenAddress (input: AddressInput): AddressInput {
  const [, scheme, digit, rest] = WILDCARD_URL.exec(`${input}`) ?? []

  return rest == null ? dialAddress(input) : `${scheme}://${digit === '6' ? '[::]' : '0.0.0.0'}${rest}`
}
