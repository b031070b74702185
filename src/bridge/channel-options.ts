import type { BridgeOptions } from './options.ts'
import type { ChannelOptions } from '../channel/index.ts'

/** What the options of a bridge say about its WebSockets, and nothing else: other layers have options of the same names. */
export function channelOptions (options: BridgeOptions): Omit<ChannelOptions, 'mode'> {
  const { maxMessage, maxFrame, highWaterMark, lowWaterMark, closeTimeout, keepAlive, keepAliveTimeout } = options

  return { maxMessage, maxFrame, highWaterMark, lowWaterMark, closeTimeout, keepAlive, keepAliveTimeout }
}
