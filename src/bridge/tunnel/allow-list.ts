/**
 * Who may use a tunnel. It is asked twice: by libp2p as soon as Noise has proven who dials, when nothing else has been
 * agreed on, and for each stream.
 */
import { InvalidParametersError } from '@libp2p/interface'
import { loadParts } from './parts.ts'
import type { ConnectionGater, PeerId } from '@libp2p/interface'

export class AllowList {
  readonly #peers: Set<string>

  /**
   * @param peers - peer ids, as objects, or as text in either of its forms
   * @throws {InvalidParametersError} there are none, or one is not a peer id
   */
  static async of (peers: Array<PeerId | string>): Promise<AllowList> {
    if (peers.length === 0) {
      throw new InvalidParametersError('nobody is allowed: give the peer ids of those who are')
    }

    return new AllowList(await Promise.all(peers.map(canonicalPeerId)))
  }

  private constructor (peers: string[]) {
    this.#peers = new Set(peers)
  }

  has (peer: PeerId): boolean {
    return this.#peers.has(`${peer}`)
  }

  /** For a node of its own, which then has no connections but from these peers. */
  gater (onrefused: (peer: string) => void): ConnectionGater {
    return {
      denyInboundEncryptedConnection: peer => {
        const denied = !this.has(peer)

        if (denied) {
          onrefused(`${peer}`)
        }

        return denied
      }
    }
  }
}

/** The form in which libp2p writes peer ids: a multihash in base58. */
async function canonicalPeerId (peer: PeerId | string): Promise<string> {
  const { peerIdFromString } = await loadParts(async () => import('@libp2p/peer-id'))

  try {
    return `${peerIdFromString(`${peer}`)}`
  } catch (cause) {
    const error = new InvalidParametersError(`"${peer}" is not a peer id: "ws-transport key" shows that of the one who runs it`)
    error.cause = cause
    throw error
  }
}
