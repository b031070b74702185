/**
 * Opens a WebSocket in a browser: see `dial.ts`, and `browser/connect.ts` for what a browser does otherwise.
 */
import { formatAddress, parseDialAddress } from '../address/index.ts'
import { connect } from './browser/connect.ts'
import type { Channel } from './channel.ts'
import type { DialOptions } from './dial.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** As on Node, with the errors of `connect`. */
export async function dial (input: Multiaddr | URL | string, options: DialOptions = {}): Promise<Channel> {
  const address = parseDialAddress(input)

  return connect(address, formatAddress(address).toString(), options)
}
