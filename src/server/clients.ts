/**
 * Who is behind the sockets of a server: the peer itself, or, where that is a trusted proxy, whom it speaks for. Nobody
 * else is believed, so that no client can choose its address.
 */
import { InvalidParametersError } from '@libp2p/interface'
import { fromSocket } from '../address/index.ts'
import { forwardedFor } from './forwarded.ts'
import { readable } from './peek.ts'
import { parseProxyHeader } from './proxy-header.ts'
import { rawSocket } from './tls.ts'
import { UNIX, trustOf } from './trust.ts'
import type { ForwardedHeader } from './forwarded.ts'
import type { Peer, ProxyHeader } from './proxy-header.ts'
import type { Trust, TrustProxy } from './trust.ts'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

export interface ClientOptions {
  /**
   * Which proxies in front of this port are believed about their clients: IP addresses and CIDR ranges (`unix`: who comes by
   * a Unix socket), the number of proxies in a row, or a function of an address and of how many proxies are between it and
   * here. The client is the nearest address that is not one of them: that is the one of the channel, and the
   * `remoteAddr` of a libp2p connection, with port 0 where the proxy does not tell. What others say about an address is
   * ignored.
   *
   * @default nobody
   */
  trustProxy?: TrustProxy

  /**
   * The header in which trusted proxies name their clients. They must set it, or append to it, for every request: a
   * header that they let through is the client's.
   *
   * @default 'x-forwarded-for'
   */
  forwardedHeader?: ForwardedHeader

  /**
   * Connections of trusted proxies begin with a header of the PROXY protocol, version 1 or 2; those without one are
   * ended. Needs `trustProxy`.
   *
   * @default false
   */
  proxyProtocol?: boolean
}

export class Clients {
  /** Whether this is the server of a Unix socket, whose peers have no address. */
  unix = false

  readonly #trust: Trust
  readonly #header: ForwardedHeader
  readonly #proxyProtocol: boolean
  /** What PROXY headers said, by the socket that was accepted, until its request comes. */
  readonly #proxied = new WeakMap<Socket, Peer>()

  /** @throws {InvalidParametersError} options that are none */
  constructor ({ trustProxy, forwardedHeader = 'x-forwarded-for', proxyProtocol = false }: ClientOptions) {
    if (proxyProtocol && trustProxy == null) {
      throw new InvalidParametersError('proxyProtocol needs trustProxy: the addresses of the proxies that send the header')
    }

    this.#trust = trustOf(trustProxy)
    this.#header = forwardedHeader
    this.#proxyProtocol = proxyProtocol
  }

  /** Whether a socket must begin with a PROXY header. */
  isProxied (socket: Socket): boolean {
    return this.#proxyProtocol && this.#trusts(this.#peer(socket), 0)
  }

  /**
   * Read the PROXY header of a socket of which nothing was read.
   *
   * @throws {InvalidMessageError} it does not begin with one
   */
  async readProxyHeader (socket: Socket): Promise<void> {
    const source = await readSource(socket)

    if (source != null) {
      this.#proxied.set(socket, canonical(source))
    }
  }

  /** Who is behind a socket that was accepted; undefined where that is a trusted proxy, of which a request may say more. */
  ofSocket (socket: Socket): Peer | undefined {
    return this.#stranger(this.#chain(socket))
  }

  /** Who is behind a socket on which no request will come: a trusted proxy stands for itself. */
  ofConnection (socket: Socket): Peer {
    const chain = this.#chain(socket)

    return this.#stranger(chain) ?? chain[chain.length - 1]
  }

  /**
   * Who is behind an upgrade request: the peer of its socket, or whom trusted proxies speak for. Nothing is remembered of the
   * socket, which may be idle for long.
   *
   * @throws {InvalidMessageError} the header of a trusted proxy is malformed
   */
  ofRequest ({ socket, headers }: IncomingMessage): Peer {
    const raw = rawSocket(socket)
    const chain = this.#chain(raw)
    const known = this.#stranger(chain)

    this.#proxied.delete(raw)

    if (known != null) {
      return known
    }

    const forwarded = forwardedFor(this.#header, headers[this.#header] as string | undefined).map(canonical)
    const whole = [...chain, ...forwarded]

    return this.#stranger(whole) ?? whole[whole.length - 1]
  }

  /** The nearest that is no proxy of ours. */
  #stranger (chain: Peer[]): Peer | undefined {
    return chain.find((peer, hop) => !this.#trusts(peer, hop))
  }

  #trusts ({ host }: Peer, hop: number): boolean {
    return this.#trust(host.includes('%') ? host.split('%', 1)[0] : host, hop)
  }

  /** What is known without a request, the nearest first. */
  #chain (socket: Socket): Peer[] {
    const peer = this.#peer(socket)
    const source = this.#proxied.get(socket)

    return source == null ? [peer] : [peer, source]
  }

  #peer ({ remoteAddress, remotePort = 0 }: Socket): Peer {
    if (this.unix) {
      return { host: UNIX, port: 0 }
    }

    // one that was reset has none any more
    return remoteAddress == null ? { host: '', port: 0 } : canonical({ host: remoteAddress, port: remotePort })
  }
}

/** IPv4 that came in by IPv6 is IPv4. */
function canonical ({ host, port }: Peer): Peer {
  const { host: ip, zone } = fromSocket(host, port, false, '/')

  return { host: zone == null ? ip : `${ip}%${zone}`, port }
}

async function readSource (socket: Socket): Promise<Peer | undefined> {
  let bytes = Buffer.alloc(0)
  let header: ProxyHeader | undefined

  while (header == null) {
    await readable(socket)
    const chunk: Buffer | null = socket.read()

    if (chunk == null) {
      throw new Error('The socket ended before its PROXY header did')
    }

    bytes = Buffer.concat([bytes, chunk])
    header = parseProxyHeader(bytes)
  }

  if (bytes.length > header.length) {
    socket.unshift(bytes.subarray(header.length))
  }

  return header.source
}
