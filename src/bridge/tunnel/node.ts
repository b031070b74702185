/** The libp2p nodes of a tunnel: WebSockets, Noise and yamux, and circuit relay where an address asks for it. */
import { ListenError } from '@libp2p/interface'
import { notingFailures } from '../../transport/noting-failures.ts'
import { WebSockets } from '../../transport/transport.ts'
import { readKey } from './key.ts'
import { loadParts } from './parts.ts'
import type { Relays } from './relays.ts'
import type { WebSocketsInit } from '../../index.ts'
import type { ConnectionGater, Libp2p, PrivateKey } from '@libp2p/interface'

/** A stream may send so much before its reader has answered, bytes. */
const STREAM_WINDOW = 1_048_576

/** What that grows to for a reader that keeps up; a reader that stalls has as much in memory. */
const MAX_STREAM_WINDOW = 4_194_304

export interface NodeInit {
  /** Who the node is: a key, or the file that holds it. Without one it is somebody new. */
  key?: PrivateKey | string
  /** Addresses to listen on. */
  listen?: string[]
  gater?: ConnectionGater
  /** Dials through relays, and is reached through them. */
  relays?: Relays
  /** Is such a relay, for so many peers. */
  relayFor?: number
  /** Streams at a time on a connection. */
  maxStreams: number
  webSockets?: WebSocketsInit
}

/**
 * A started node. Its connections may be idle for as long as they like, because those that are dead are found by pings.
 *
 * @throws {ListenError} an address cannot be listened on
 * @throws {InvalidParametersError} the key cannot be used
 * @throws {UnsupportedOperationError} a package is not installed
 */
export async function createNode ({ key, listen = [], gater, relays, relayFor = 0, maxStreams, webSockets }: NodeInit): Promise<Libp2p> {
  const { createLibp2p, noise, noiseCrypto, yamux } = await loadParts(loadNode)
  // they have to know the protocols of each other
  const parts = relays != null || relayFor > 0 ? await loadParts(loadRelayParts) : undefined
  const failures: string[] = []

  try {
    return await createLibp2p({
      privateKey: typeof key === 'string' ? await readKey(key) : key,
      addresses: { listen },
      transports: [
        components => notingFailures(new WebSockets(components, { inactivityTimeout: 0, ...webSockets }), failures),
        ...relays == null ? [] : [await relays.transport()]
      ],
      connectionEncrypters: [noise({ crypto: noiseCrypto })],
      streamMuxers: [yamux({
        maxInboundStreams: maxStreams,
        maxOutboundStreams: maxStreams,
        streamOptions: { initialStreamWindowSize: STREAM_WINDOW, maxStreamWindowSize: MAX_STREAM_WINDOW }
      })],
      connectionGater: gater,
      // it ends a connection where the answer to its ping waits behind a transfer
      connectionMonitor: { enabled: false },
      services: {
        ...parts != null && { identify: parts.identify() },
        ...parts != null && relayFor > 0 && {
          relay: parts.circuitRelayServer({
            maxInboundHopStreams: maxStreams,
            maxOutboundStopStreams: maxStreams,
            // those of libp2p are for strangers: 128 KiB, 2 minutes
            reservations: { maxReservations: relayFor, applyDefaultLimit: false }
          })
        }
      }
    })
  } catch (err: any) {
    throw failures.length === 0 ? err : new ListenError(failures.join('; '))
  }
}

// eslint-disable-next-line @typescript-eslint/explicit-function-return-type -- the types of packages, read from the imports
async function loadNode () {
  const [{ createLibp2p }, { noise }, { noiseCrypto }, { yamux }] = await Promise.all([
    import('libp2p'),
    import('@chainsafe/libp2p-noise'),
    import('../../noise/index.ts'),
    import('@chainsafe/libp2p-yamux')
  ])

  return { createLibp2p, noise, noiseCrypto, yamux }
}

// eslint-disable-next-line @typescript-eslint/explicit-function-return-type -- as above
async function loadRelayParts () {
  const [{ circuitRelayServer }, { identify }] = await Promise.all([
    import('@libp2p/circuit-relay-v2'),
    import('@libp2p/identify')
  ])

  return { circuitRelayServer, identify }
}
