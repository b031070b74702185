/**
 * The relays that a node is reached through. libp2p reserves a place with a relay when the node begins to listen there, and
 * drops it with the connection; that a place is taken again when the connection is made again is left to us.
 */
import { ConnectionFailedError } from '@libp2p/interface'
import { notingFailures } from '../../transport/noting-failures.ts'
import { loadParts } from './parts.ts'
import type { CircuitRelayTransportComponents } from '@libp2p/circuit-relay-v2'
import type { Connection, PeerId, Transport } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** A part of the transport that its type does not tell. */
interface CircuitTransport extends Transport {
  readonly reservationStore: {
    /** @throws {Error} the relay does not want to be one */
    addRelay (relay: PeerId, type: 'configured'): Promise<unknown>
  }
}

export class Relays {
  readonly #maxStreams: number
  readonly #failures: string[] = []
  /** Those that the node listens through, by address. */
  readonly #listening = new Set<string>()
  #node: { transport: CircuitTransport, components: CircuitRelayTransportComponents } | undefined

  /** @param maxStreams - connections at a time through a relay */
  constructor (maxStreams: number) {
    this.#maxStreams = maxStreams
  }

  /** The transport of a node, which can then be reached through relays, and dial through them. */
  async transport (): Promise<(components: CircuitRelayTransportComponents) => Transport> {
    const { circuitRelayTransport } = await loadParts(async () => import('@libp2p/circuit-relay-v2'))
    const create = circuitRelayTransport({ maxInboundStopStreams: this.#maxStreams, maxOutboundStopStreams: this.#maxStreams })

    return components => {
      const transport = create(components) as CircuitTransport
      this.#node = { transport, components }

      return notingFailures(transport, this.#failures)
    }
  }

  /**
   * Be reached through a relay, for as long as the connection to it lasts.
   *
   * @throws {ConnectionFailedError} it does not want to be a relay for us
   */
  async reserve (address: Multiaddr, { remotePeer }: Connection): Promise<void> {
    const { transport, components } = this.#node ?? {}

    try {
      if (this.#listening.has(`${address}`)) {
        await transport?.reservationStore.addRelay(remotePeer, 'configured')
      } else {
        await components?.transportManager.listen([address.encapsulate('/p2p-circuit')])
        this.#listening.add(`${address}`)
      }
    } catch (cause: any) {
      const error = new ConnectionFailedError(`${remotePeer} is no relay for us: ${this.#failures.pop() ?? cause.message}; is our peer id among those that it allows?`)
      error.cause = cause
      throw error
    }
  }
}
