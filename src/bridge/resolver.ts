/** Which target a session gets. */
import type { Framing } from './framing.ts'
import type { AddressInput } from '../address/index.ts'

/** Who asks: a WebSocket that is not answered yet, or a session that came in over TCP, UDP or a Unix socket. */
export interface BridgeRequest {
  /** The request target as received, path and query; `/` for what is no WebSocket. */
  readonly url: string
  /** Its path. */
  readonly path: string
  /** Behind the path. */
  readonly query: URLSearchParams
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Subprotocols that the client offers, most wanted first. */
  readonly protocols: readonly string[]
  /** Host and port of the client; behind a trusted proxy those that it reports. */
  readonly remote: string
  /** Fires when the client has left. */
  readonly signal: AbortSignal
}

/** What a session gets. */
export interface Resolution {
  /** A multiaddr, or a `tcp:`, `udp:`, `unix:`, `ws:` or `wss:` URL. */
  target: AddressInput
  /**
   * Subprotocols to answer with, as the option `protocol` of the bridge.
   *
   * @default that option
   */
  protocol?: string | string[]
  /**
   * How bytes become messages, as the option `framing` of the bridge.
   *
   * @default that option
   */
  framing?: string | Framing
}

/**
 * Chooses the target of a session. Nothing: there is none, status 404. `false`: there may be one, but not for this client,
 * status 403. What it throws is logged, and the client gets status 500.
 */
export type Resolver = (request: BridgeRequest) => Resolution | false | undefined | Promise<Resolution | false | undefined>
