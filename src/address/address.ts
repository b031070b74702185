/**
 * An Address says *where* a WebSocket is: parsed once at the edge, read everywhere else. It carries no
 * subprotocol, header, limit or certificate.
 */
export interface Address {
  /** IP or DNS name, without brackets and zone; `''` for a Unix socket. */
  readonly host: string
  /** 4 or 6 for IP hosts, `dns4` and `dns6`; 0 when the name may resolve to either, and for Unix sockets. */
  readonly family: 0 | 4 | 6
  /** TCP port; the scheme's default where the multiaddr has none; 0 for a Unix socket. */
  readonly port: number
  /** Request target: starts with `/`, may hold a query, percent encoded as it goes on the wire. */
  readonly path: string
  /** TLS under the WebSocket (`wss`). */
  readonly tls: boolean
  /** The name of `/sni`, for TLS and the `Host` header, when it is not the host; `*.name` only to listen. */
  readonly serverName?: string
  /** IPv6 zone (`/ip6zone`). */
  readonly zone?: string
  /** Path of a Unix socket. */
  readonly unixPath?: string
  /** Peer id behind the address, kept for the upgrader. */
  readonly peerId?: string
}
