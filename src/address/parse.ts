/**
 * Addresses come in here: multiaddrs, and the URLs that `fromUrl` takes.
 */
import { isMultiaddr, multiaddr } from '@multiformats/multiaddr'
import { formatAddress } from './format.ts'
import { invalid } from './invalid.ts'
import { readAddress } from './read.ts'
import { fromUrl } from './url.ts'
import type { Address } from './address.ts'
import type { Component, Multiaddr } from '@multiformats/multiaddr'

/** What the user writes an address as: a multiaddr, as object or string, or a `ws:` or `wss:` URL. */
export type AddressInput = Multiaddr | string | URL

/**
 * @throws {InvalidMultiaddrError} anything but the grammar of `readAddress` and `ws:`/`wss:` URLs; the message holds the
 * address, the component that does not fit, and what to do
 */
export function parseAddress (input: AddressInput): Address {
  // as multiaddr it would be written, only to be read again
  return isUrl(input) ? fromUrl(input) : readAddress(toMultiaddr(input), canonicalPeerId)
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

function isUrl (input: AddressInput): input is string | URL {
  return typeof input === 'string' ? !input.startsWith('/') : input instanceof URL
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
