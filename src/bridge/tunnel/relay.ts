/** A node that others are reached through: a circuit relay (v2) of libp2p, without its limits, for peers that are named. */
import { InvalidParametersError } from '@libp2p/interface'
import { formatAddress, parseListenAddress } from '../../address/index.ts'
import { TUNNEL_MAX_STREAMS, TUNNEL_RELAY_PEERS } from '../../constants.ts'
import { AllowList } from './allow-list.ts'
import { createNode } from './node.ts'
import type { TunnelOptions } from './options.ts'
import type { AddressInput } from '../../address/index.ts'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface RelayOptions extends Pick<TunnelOptions, 'key' | 'maxStreams' | 'webSockets' | 'signal'> {
  /** The peer ids of those who may be reached through it. Who may reach them is decided by themselves. */
  allow: Array<PeerId | string>

  /** Somebody who is not allowed wanted to be reached. */
  onrefused? (peer: string): void
}

export interface TunnelRelay {
  /** Our peer id. */
  readonly peer: string
  /** What others give to `expose` as `via`. */
  readonly addresses: Multiaddr[]
  /** End all that goes through it, and the node. */
  close (): Promise<void>
}

/**
 * Run a relay. What goes through it is encrypted between the ends, which prove each other as they do without it.
 *
 * @param listen - addresses
 * @param options - `allow` at least
 * @throws {InvalidParametersError} nobody is allowed, there is no address, or the key cannot be used
 * @throws {ListenError} an address is taken or not ours
 */
export async function relay (listen: AddressInput | AddressInput[], options: RelayOptions): Promise<TunnelRelay> {
  const { key, maxStreams = TUNNEL_MAX_STREAMS, webSockets, signal, onrefused } = options
  const allow = await AllowList.of(options.allow)
  const addresses = [listen].flat().map(address => `${formatAddress(parseListenAddress(address))}`)

  if (addresses.length === 0) {
    throw new InvalidParametersError('a relay has to be reached by all: give an address to listen on')
  }

  const node = await createNode({
    key,
    maxStreams,
    webSockets,
    listen: addresses,
    relayFor: TUNNEL_RELAY_PEERS,
    gater: {
      denyInboundRelayReservation: peer => {
        const denied = !allow.has(peer)

        if (denied) {
          onrefused?.(`${peer}`)
        }

        return denied
      }
    }
  })
  const stop = new AbortController()
  const close = async (): Promise<void> => {
    stop.abort()
    await node.stop()
  }

  signal?.addEventListener('abort', () => { void close() }, { signal: stop.signal })

  return {
    peer: `${node.peerId}`,
    get addresses () { return node.getMultiaddrs() },
    close
  }
}
