/**
 * Where sockets listen: the one file of them that needs a server, which throws in browsers.
 */
import { listen } from '../server/index.ts'
import { listenAddress } from './address.ts'
import type { AddressInput } from './address.ts'
import type { Listener } from './endpoint.ts'
import type { ListenOptions } from './options.ts'
import type { UpgradeFacts } from './pipe.ts'
import type { Channel, ChannelOptions } from '../channel/index.ts'

export interface ListenerInit extends ListenOptions, ChannelOptions {
  /** The one that is agreed on, in the case that the client has it; undefined refuses. */
  accept (offers: string[], remote: string): string | undefined
  onchannel (channel: Channel, facts: UpgradeFacts): void
}

/** Its close closes the channels with 1001. */
export async function listenForChannels (input: AddressInput, init: ListenerInit): Promise<Listener> {
  const { accept, onchannel, ...options } = init

  return listen(listenAddress(input), {
    ...options,
    emptyTarget: true,
    subprotocol: (offers, { socket }) => accept(offers, `${socket.remoteAddress ?? 'unix'}:${socket.remotePort ?? ''}`) ?? false
  }, (channel, { headers, url = '/' }) => { onchannel(channel, { headers, path: url }) })
}
