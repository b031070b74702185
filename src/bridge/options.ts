/** The options of a bridge. */
import type { DatagramEndpointOptions } from './datagram-endpoint.ts'
import type { Framing } from './framing.ts'
import type { Resolver } from './resolver.ts'
import type { SubprotocolRule } from './subprotocol.ts'
import type { AddressInput } from '../address/index.ts'
import type { ChannelOptions, DialOptions } from '../channel/index.ts'
import type { ListenOptions } from '../server/index.ts'

/** `debug`: what happens on the way to a session; `info`: sessions, and the bridge itself; `warn`: sessions that were refused or failed; `error`: what is wrong here. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/**
 * Receives what happens, never once for each message.
 *
 * @param event - `listen`, `dial`, `open`, `close`, `refuse`, `reload` or `drain`
 * @param fields - what there is to know: `id` and `remote` of a session, `target`, `status` and `reason` of a refusal,
 * `error`, bytes, `ms`
 */
export type BridgeLog = (level: LogLevel, event: string, fields: Record<string, unknown>) => void

export interface BridgeAuth {
  /** Passwords by name, for `Authorization: Basic`. */
  basic?: Record<string, string>
  /** Tokens for `Authorization: Bearer`. */
  bearer?: string[]
}

/** What `reload` may change; each value counts for the sessions that come after. */
export interface BridgeRules {
  /** Where every session goes: a multiaddr, or a `tcp:`, `udp:`, `unix:`, `ws:` or `wss:` URL. Either this or `resolve`. */
  target?: AddressInput

  /** Chooses the target of each session, before a WebSocket is answered. */
  resolve?: Resolver

  /**
   * How the bytes of a target become messages: `auto`, `binary`, `text`, `newline:lf`, ... or a function of one's own.
   * Where it is `binary` boundaries mean nothing, unless the target is UDP or a WebSocket. Between two WebSockets messages stay as they are.
   *
   * @default 'binary'
   */
  framing?: string | Framing

  /**
   * The subprotocol of WebSockets: a name or several, of which the client must offer one, else it gets status 400; `*`: the
   * first that it offers; `''`: none. Towards a target that is a WebSocket: what it is offered, and it has to take one.
   *
   * @default ''
   */
  protocol?: SubprotocolRule

  /**
   * Accept a client that offers nothing that fits, without a subprotocol, and compare names in any case, as websocksy does.
   *
   * @default false
   */
  lenientProtocol?: boolean

  /**
   * Values of the `Origin` header that may come in, such as `https://example.com`; others get status 403. Who sends none is
   * no browser, and may.
   *
   * @default any
   */
  origins?: string[]

  /** Who may come in; others get status 401. Secrets are compared in constant time. */
  auth?: BridgeAuth

  /**
   * Begin what is sent to a TCP or Unix target with a PROXY protocol header of this version, which says who the client is.
   *
   * @default none
   */
  proxyProtocol?: 1 | 2

  /**
   * Sessions at a time, those that are being opened too; more get status 503.
   *
   * @default 10_000
   */
  maxSessions?: number

  /**
   * Sessions of one client address at a time; more get status 429.
   *
   * @default Infinity
   */
  maxSessionsPerAddress?: number
}

export interface BridgeOptions extends BridgeRules, ChannelOptions, DatagramEndpointOptions {
  /** Of a WebSocket address that is listened on: `https` for TLS, `http`, `handshakeTimeout`, `servers` and the rest of `listen`. */
  listen?: Omit<ListenOptions, 'verify' | 'subprotocol' | keyof ChannelOptions>

  /** Of targets: `handshakeTimeout`, and of those that are WebSockets `tls`, `headers` and the rest of `dial`. */
  dial?: Omit<DialOptions, 'signal' | 'subprotocols' | keyof ChannelOptions>

  /**
   * Answer HTTP requests for this path with the metrics, behind `auth` if there is one.
   *
   * @default they are not served
   */
  metricsPath?: string

  /** Receives what happens. */
  log?: BridgeLog
}
