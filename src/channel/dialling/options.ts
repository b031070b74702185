/**
 * What a dial can be told.
 */
import type { DialStage } from '../../errors.ts'
import type { ChannelOptions } from '../channel.ts'
import type { IncomingHttpHeaders } from 'node:http'
import type { LookupFunction } from 'node:net'
import type { ConnectionOptions } from 'node:tls'

/** Of the TCP connection: to the server, or to the proxy before it. */
export interface TcpOptions {
  /**
   * Asked for the addresses of a name, with `all: true` and the family of the multiaddr; it may answer with one or all.
   *
   * @default that of the system, `dns.lookup`
   */
  lookup?: LookupFunction

  /** IP address of this machine to connect from. Of a name, only addresses of the same family are tried then. */
  localAddress?: string

  /**
   * Port to connect from. One for which the system still waits after an earlier connection fails with `EADDRINUSE` or
   * `EADDRNOTAVAIL`.
   *
   * @default any
   */
  localPort?: number

  /**
   * Of a name with several addresses, the next is tried beside those before it after this long, ms, or as soon as they have
   * failed; the first to connect wins (RFC 8305 section 5). Lower costs connections that nobody needs.
   *
   * @default 250
   */
  attemptDelay?: number
}

/** The options of `tls.connect`, but for where to connect to, and: */
export interface TlsOptions extends ConnectionOptions {
  /**
   * SHA-256 of the certificates that the server may have, hexadecimal with or without `:`, as `openssl x509 -fingerprint
   * -sha256` prints it. No authority, name or date is asked for then, unless `rejectUnauthorized: true` says so; a certificate
   * with another hash is refused, whoever signed it. Give the next one beside it before it is changed.
   */
  certificateHash?: string | string[]
}

export interface ProxyOptions {
  /**
   * `http://`, `https://` (TLS to the proxy), `socks5h://` or `socks5://`, with `user:password@` before the host where the proxy
   * asks for it. The proxy resolves the name that is dialled, except with `socks5://`: there this machine does. Ports default to
   * 80, 443 and 1080.
   */
  url: string | URL

  /** Of the `CONNECT` request to an HTTP proxy, such as `Proxy-Authorization: Bearer`. */
  headers?: Record<string, string>

  /** Of the TLS to an `https://` proxy. */
  tls?: TlsOptions
}

/** Of every dial: here, and of the transport. */
export interface CommonDialOptions {
  /** Node only: where the TCP connection comes from, and how it finds its way. */
  tcp?: TcpOptions

  /**
   * For secure addresses: `ca` to trust a private authority, `certificateHash` to trust one certificate, `servername`, `cert` and
   * `key` to have a client certificate, and the rest of `tls.connect`. `rejectUnauthorized: false` accepts any certificate; a libp2p
   * peer is then known by the upgrader's encryption only. In browsers it throws.
   */
  tls?: TlsOptions

  /**
   * Node only, browsers have settings of their own: dial through this proxy. Unix sockets and IPv6 zones, which are of this
   * machine, never are.
   */
  proxy?: string | URL | ProxyOptions

  /**
   * Node only: variables that choose a proxy where `proxy` does not, such as `process.env`: `HTTP_PROXY` for `ws`, `HTTPS_PROXY` for
   * `wss`, `ALL_PROXY` for both, and `NO_PROXY`, whose entries are `*`, names (and all below them), IP addresses and CIDR ranges,
   * each with or without a port. Lower case goes before upper case. Without them the environment is not
   * looked at.
   */
  proxyEnv?: Record<string, string | undefined>

  /**
   * Node only, browsers follow none: how many redirects to follow. They keep the peer id, and never lead from `wss` to `ws`;
   * `Authorization`, `Cookie` and `Host` of `headers`, and the certificate and `servername` of `tls`, are for the first server
   * only. A server can send the dial anywhere, to machines of your network too, and past the connection gater of a
   * libp2p node, which has seen the first address only: follow those that you trust.
   *
   * @default 0
   */
  maxRedirects?: number

  /** Request headers beside those of the handshake, such as `Authorization`, `Cookie`, `Host` or `Origin`. In browsers it throws. */
  headers?: Record<string, string>

  /**
   * Browsers only: use a `WebSocketStream` where there is one, for a pause that stops the peer. Not by default: Chromium,
   * 156 included, crashes the page when the connection is lost while something is being written to one.
   *
   * @default false
   */
  webSocketStream?: boolean
}

export interface DialOptions extends CommonDialOptions, ChannelOptions {
  /** Ends the dial at any stage with an `AbortError`. */
  signal?: AbortSignal

  /**
   * Called as each stage begins: `resolve` (DNS names only), `connect`, `proxy` (where there is one), `tls` (secure addresses),
   * `upgrade`. A redirect begins anew.
   */
  onProgress?(stage: DialStage): void

  /**
   * From the call to the open WebSocket, ms; `Infinity` waits for as long as the system does.
   *
   * @default 10_000
   */
  handshakeTimeout?: number

  /** Subprotocols to offer, most wanted first; the server must take one. */
  subprotocols?: string[]

  /**
   * Node only: called with the headers of the response that accepts the WebSocket, names in lower case, before the dial resolves. If
   * it throws, the channel is aborted with what it threw.
   */
  onheaders?(headers: IncomingHttpHeaders): void
}
