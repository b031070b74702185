import { readDialAddress } from '../address/index.ts'
import { connect } from '../channel/browser/connect.ts'
import type { Channel } from '../channel/channel.ts'
import type { DialOptions } from '../channel/dial.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** As `dial` of the channel, for multiaddrs only: the parser of text would be a third of the bundle. */
export async function dial (ma: Multiaddr, options: DialOptions): Promise<Channel> {
  return connect(readDialAddress(ma), `${ma}`, options)
}
