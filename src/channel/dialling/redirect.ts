/**
 * Where an answer that is not a WebSocket sends the dial to (RFC 9110 section 15.4).
 */
import { fromUrl, toUrl } from '../../address/index.ts'
import type { DialOptions } from './options.ts'
import type { Address } from '../../address/index.ts'
import type { IncomingMessage } from 'node:http'

const STATUSES = [301, 302, 303, 307, 308]

/** For the server that they were meant for, in lower case. */
const PRIVATE_HEADERS = ['authorization', 'cookie', 'host']

/** The `Location` of an answer that has one to follow. */
export function locationOf ({ statusCode = 0, headers }: IncomingMessage): string | undefined {
  return STATUSES.includes(statusCode) ? headers.location : undefined
}

/**
 * @param address - that was dialled
 * @param location - absolute or relative URL; `http:` and `https:` mean `ws:` and `wss:`
 * @returns an address with the same peer id, and on the same server with everything but the path
 * @throws {Error} not a URL of a WebSocket, or one without TLS where there was TLS
 */
export function redirect (address: Address, location: string): Address {
  const from = toUrl(address)

  if (!URL.canParse(location, from)) {
    throw new Error(`redirected to ${JSON.stringify(location)}, which is not a URL`)
  }

  const url = new URL(location, from)
  // a fragment says what to look at, not where it is
  url.hash = ''
  const to = fromUrl(url.href.replace(/^http/, 'ws'))

  if (address.tls && !to.tls) {
    throw new Error(`redirected to ${url.href}, which gives up TLS`)
  }

  if (toUrl(to).origin === from.origin) {
    return { ...address, path: to.path }
  }

  return address.peerId == null ? to : { ...to, peerId: address.peerId }
}

/** The options for a server that was redirected to; another one gets none of what was for the first. */
export function redirectedOptions (options: DialOptions, from: Address, to: Address): DialOptions {
  const { headers = {}, tls: { servername, cert, key, pfx, passphrase, secureContext, ...tls } = {} } = options

  if (toUrl(from).origin === toUrl(to).origin) {
    return options
  }

  return {
    ...options,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !PRIVATE_HEADERS.includes(name.toLowerCase()))),
    tls
  }
}
