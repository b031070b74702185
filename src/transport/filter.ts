import { dialFilter as anyDialFilter, listenFilter } from '../address/index.ts'
import type { WebSocketsInit } from '../index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

export { listenFilter }

/** Those that can be dialled from Node. */
export function dialFilter (mas: Multiaddr[], _: WebSocketsInit): Multiaddr[] {
  return anyDialFilter(mas)
}
