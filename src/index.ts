/**
 * @packageDocumentation
 *
 * A libp2p transport over WebSockets that are addressed by multiaddrs. A connection is secured and multiplexed by
 * the upgrader of the node, with Noise and yamux for example, so a plain `/ws` address needs no certificate. `wss`
 * is there because browsers and proxies ask for it.
 *
 * It takes the place of `@libp2p/websockets`: changing the import is the whole migration.
 *
 * @example
 *
 * ```typescript
 * import { noise } from '@chainsafe/libp2p-noise'
 * import { yamux } from '@chainsafe/libp2p-yamux'
 * import { multiaddr } from '@multiformats/multiaddr'
 * import { createLibp2p } from 'libp2p'
 * import { webSockets } from 'ws-transport'
 *
 * const node = await createLibp2p({
 *   addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
 *   transports: [webSockets()],
 *   connectionEncrypters: [noise()],
 *   streamMuxers: [yamux()]
 * })
 *
 * console.info(node.getMultiaddrs())
 *
 * await node.dial(multiaddr('/dns4/example.com/tcp/443/tls/ws'))
 * ```
 */
import { WebSockets } from './transport/transport.ts'
import type { CommonDialOptions } from './channel/dialling/options.ts'
import type { DialStage } from './errors.ts'
import type { AdmissionOptions, AttachOptions, BindOptions, CertificateOptions, HttpServers, RespondOptions, Verify } from './server/index.ts'
import type { ComponentLogger, Libp2pEvents, Metrics, OutboundConnectionUpgradeEvents, Transport } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'
import type { ServerOptions as HttpServerOptions } from 'node:http'
import type { ServerOptions as HttpsServerOptions } from 'node:https'
import type { ProgressEvent } from 'progress-events'

export type { Client, ForwardedHeader, Limits, Refusal, TrustProxy, Verdict, Verify } from './server/index.ts'
export type { DialFailedError, DialStage, MessageTooLargeError, ProxyRefusedError, UpgradeRejectedError, WebSocketClosedError } from './errors.ts'

export interface WebSocketsInit extends CommonDialOptions, AttachOptions, CertificateOptions, RespondOptions, BindOptions, AdmissionOptions {
  /** Options for the HTTP server of every listener. */
  http?: HttpServerOptions

  /**
   * Options for TLS servers, such as `key` and `cert`, or `ca` and `requestCert` for client certificates. What AutoTLS
   * provisions later takes the place of this certificate.
   *
   * @default http
   */
  https?: HttpsServerOptions

  /**
   * Decides about each upgrade request to a listener, with the client's address and a signal that fires when it leaves:
   * return or resolve to nothing or `true` to accept it, `false` for status 403, or another answer. If it throws or
   * rejects, the client gets status 500.
   *
   * @default every request is accepted
   */
  verify?: Verify

  /**
   * Where ports are shared: whatever listens with the same one, host and port does so together, told apart by
   * `/http-path`, be it another node, `listen` of `ws-transport/server` or a socket of `ws-transport/sp`. What happens
   * before the path is known is as its first listener has it: `http`, `onrequest`, `handshakeTimeout`, `trustProxy`,
   * `forwardedHeader`, `proxyProtocol` and `limits`.
   *
   * @default one of the transport
   */
  servers?: HttpServers

  /**
   * Unsent bytes at which a connection asks its writer to wait. Higher rides out longer stalls of the writer, costs that
   * much memory per stalled connection, and other streams wait behind it.
   *
   * @default 262_144, in browsers 1_048_576
   */
  maxBufferedAmount?: number

  /**
   * Has no meaning any more, and is accepted so that existing configurations stay valid: the socket says itself
   * when it has drained, nothing polls.
   *
   * @deprecated leave it out
   */
  bufferedAmountPollInterval?: number

  /**
   * Browsers only: `dialFilter` leaves out what the browser would refuse, each time with an error in its console: `ws:`
   * to other machines from a page that came over `https:`, and blocked ports. `false` lets them pass, for browsers
   * whose settings allow them.
   *
   * @default true
   */
  browserFilter?: boolean

  /**
   * Largest WebSocket message accepted, bytes. A peer that sends a larger one is closed with 1009.
   *
   * @default 4_194_304
   */
  maxMessage?: number

  /**
   * From the dial, or from the accepted TCP connection, to the open WebSocket, ms. What the upgrader does
   * afterwards has its own limit.
   *
   * @default 10_000
   */
  handshakeTimeout?: number

  /**
   * How long a close may go without progress, ms; then the socket is terminated.
   *
   * @default 3_000
   */
  closeTimeout?: number

  /**
   * Ping a peer that has sent nothing for this long, ms; 0 never pings. Load balancers cut idle connections,
   * often after 60 s.
   *
   * @default 30_000
   */
  keepAlive?: number

  /**
   * A pinged peer that sends nothing for this long is dead, ms, and its connection is aborted.
   *
   * @default 20_000
   */
  keepAliveTimeout?: number

  /**
   * A connection without a byte of payload in either direction for this long, up to a quarter more, is aborted, ms; 0
   * never is.
   *
   * @default 120_000
   */
  inactivityTimeout?: number
}

export interface WebSocketsComponents {
  logger: ComponentLogger
  events: TypedEventTarget<Libp2pEvents>
  metrics?: Metrics
}

/** `open-connection` as the dial starts, then one event as each stage begins. */
export type WebSocketsDialEvents =
  OutboundConnectionUpgradeEvents |
  ProgressEvent<'websockets:open-connection'> |
  ProgressEvent<`websockets:${DialStage}`>

/**
 * A transport for `transports` of `createLibp2p`.
 *
 * A dial rejects with an `AbortError` when its signal fires, a `TimeoutError` after `handshakeTimeout`, an
 * `InvalidMultiaddrError` where the address cannot be dialled, and otherwise a `ConnectionFailedError` with
 * `address`, `stage`, `cause` and `remedy`.
 */
export function webSockets (init: WebSocketsInit = {}): (components: WebSocketsComponents) => Transport<WebSocketsDialEvents> {
  return (components) => new WebSockets(components, init)
}
