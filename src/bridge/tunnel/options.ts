/** What the ends of a tunnel have in common. */
import { InvalidParametersError } from '@libp2p/interface'
import { parseListenTarget, parseTarget } from '../target.ts'
import type { AddressInput } from '../../address/index.ts'
import type { WebSocketsInit } from '../../index.ts'
import type { PortTarget, UnixTarget } from '../target.ts'
import type { Libp2p, PrivateKey } from '@libp2p/interface'

export interface TunnelOptions {
  /**
   * Who this end is: a private key of libp2p, or the path of the file that holds it, see `createKey`. Without one it is
   * somebody new each time, whom nobody can name in advance.
   */
  key?: PrivateKey | string

  /**
   * A libp2p node of yours to use in the place of a new one; it is left running. `key`, `listen` and `webSockets` are then
   * its affair.
   */
  node?: Libp2p

  /**
   * Streams, that is sessions, at a time on a connection.
   *
   * @default 1_000
   */
  maxStreams?: number

  /**
   * A session without a byte in either direction for this long is ended, ms. UDP has no end of its own and always needs one.
   *
   * @default Infinity, for UDP 120_000
   */
  idleTimeout?: number

  /**
   * From the loss of a connection to the first dial, at most, ms; the wait is random, and its bound doubles with each dial
   * that fails.
   *
   * @default 1_000
   */
  reconnect?: number

  /**
   * The largest bound of that wait, ms.
   *
   * @default 30_000
   */
  reconnectMax?: number

  /** Options of the transport, such as `tls` for a `/tls/ws` address. */
  webSockets?: WebSocketsInit

  /** Ends the start, and later the tunnel. */
  signal?: AbortSignal

  /** A session failed, or could not be opened; the tunnel goes on. */
  onerror? (error: Error): void
}

/** The target of a tunnel: a TCP or UDP port, or a Unix socket. */
export function tunnelTarget (input: AddressInput): PortTarget | UnixTarget {
  return socketTarget(parseTarget(input), input)
}

/** The local end: the same. */
export function tunnelListenTarget (input: AddressInput): PortTarget | UnixTarget {
  return socketTarget(parseListenTarget(input), input)
}

function socketTarget (target: ReturnType<typeof parseTarget>, input: AddressInput): PortTarget | UnixTarget {
  if (target.kind === 'ws') {
    throw new InvalidParametersError(`a tunnel ends at a TCP or UDP port or a Unix socket, not at the WebSocket ${input}`)
  }

  return target
}
