import type { Multiaddr } from '@multiformats/multiaddr'

/** One address of a socket. */
export interface Endpoint {
  /** Stop, and end the pipes that came by it. */
  close (): Promise<void>
}

export interface Listener extends Endpoint {
  /** Where it can be dialled, with the real port. */
  readonly addresses: Multiaddr[]
}
