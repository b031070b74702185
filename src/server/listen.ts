/**
 * Accepts WebSockets on an address, and hands each out as a Channel.
 */
import { ListenError, TimeoutError } from '@libp2p/interface'
import { getThinWaistAddresses } from '@libp2p/utils'
import { formatAddress, parseListenAddress } from '../address/index.ts'
import { CLOSE_TIMEOUT, CloseCode, MAX_DELAY } from '../constants.ts'
import { HttpServers } from './http-servers.ts'
import { Route } from './route.ts'
import type { AttachOptions } from './attached-server.ts'
import type { HttpServerOptions } from './http-server.ts'
import type { SharedServer } from './http-servers.ts'
import type { SubprotocolSelector } from './route.ts'
import type { Verify } from './verify.ts'
import type { Address } from '../address/index.ts'
import type { Channel, ChannelMode, ChannelOptions } from '../channel/channel.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ListenOptions extends Omit<ChannelOptions, 'mode'>, HttpServerOptions, AttachOptions {
  /**
   * Whether message boundaries matter, for all channels or as a function of the upgrade request.
   *
   * @default 'messages'
   */
  mode?: ChannelMode | ((request: IncomingMessage) => ChannelMode)

  /** The subprotocol that clients must offer, or a function that chooses one; without it none is chosen. */
  subprotocol?: string | SubprotocolSelector

  /**
   * Decides about each upgrade request, with the client's address and a signal that fires when it leaves: return or resolve
   * to nothing or `true` to accept it, `false` for status 403, or another answer. If it throws or rejects, the client gets
   * status 500. `handshakeTimeout` goes on meanwhile, and nothing that the client sends is lost. The subprotocol is chosen
   * after it.
   *
   * @default every request is accepted
   */
  verify?: Verify

  /** Headers of the response that accepts a WebSocket, beside those of the handshake. */
  headers?: Record<string, string>

  /**
   * Take a request that has no target, `GET  HTTP/1.1`, for one to `/`: NNG 1.5 sends it where its URL has no path. It costs
   * each new connection to the port a little.
   *
   * @default false
   */
  emptyTarget?: boolean

  /**
   * Where servers are shared: listeners with the same one, host and port share the port, told apart by path. What
   * happens before the path is known is as the first of them has it: events, `http`, `onrequest`, `handshakeTimeout`,
   * `trustProxy`, `forwardedHeader`, `proxyProtocol` and `limits`.
   *
   * @default a port of its own
   */
  servers?: HttpServers
}

export interface Server {
  /**
   * Where it can be dialled: the real port, each interface behind a wildcard, `/ws` and `/tls/ws` as far as both are
   * served, and the path. Empty once closed.
   */
  readonly addresses: Multiaddr[]

  /** Open channels that came in here. */
  readonly channels: number

  /**
   * Answer TLS handshakes with this certificate from now on. The first one turns TLS on, on the same port. Open
   * connections stay.
   *
   * @param certificate - both PEM
   * @param certificate.key - private key
   * @param certificate.cert - certificate chain
   * @throws {ListenError} TLS cannot use it; what was used before stays
   */
  setCertificate (certificate: { key: string, cert: string }): void

  /**
   * Stop listening, end handshakes under way, close channels with 1001. Bounded in time: channels that are not closed
   * within their `closeTimeout` are aborted.
   */
  close (): Promise<void>
}

/**
 * Listen for WebSockets.
 *
 * @param input - a multiaddr, or a `ws:` or `wss:` URL; port 0 is any free port. Without a path any path is accepted.
 * @param options - of the server, its TLS and its channels
 * @param onChannel - called with each open Channel and its upgrade request, before any message can be lost
 * @throws {InvalidMultiaddrError} an address that cannot be listened on
 * @throws {InvalidParametersError} a header that cannot be sent; a limit or a trusted proxy that is none
 * @throws {ListenError} it is taken or not ours, or TLS cannot use the key and certificate; `cause` says why
 */
export async function listen (input: Multiaddr | URL | string, options: ListenOptions, onChannel: (channel: Channel, request: IncomingMessage) => void): Promise<Server> {
  const address = parseListenAddress(input)
  const servers = options.servers ?? new HttpServers()
  const shared = await servers.acquire(address, options)

  try {
    return new RouteServer(address, servers, shared, options, onChannel)
  } catch (error) {
    await servers.release(shared)
    throw error
  }
}

class RouteServer implements Server {
  readonly #address: Address
  readonly #servers: HttpServers
  readonly #shared: SharedServer
  readonly #server: SharedServer['server']
  readonly #route: Route
  readonly #channels = new Set<Channel>()
  readonly #closeTimeout: number
  #closed: Promise<void> | undefined

  constructor (address: Address, servers: HttpServers, shared: SharedServer, options: ListenOptions, onChannel: (channel: Channel, request: IncomingMessage) => void) {
    this.#address = address
    this.#servers = servers
    this.#shared = shared
    this.#server = shared.server
    this.#closeTimeout = options.closeTimeout ?? CLOSE_TIMEOUT

    this.#route = new Route({
      address,
      channelOptions: options,
      subprotocol: options.subprotocol,
      verify: options.verify,
      headers: options.headers,
      emptyTarget: options.emptyTarget,
      onChannel: (channel, request) => {
        this.#channels.add(channel)
        void channel.closed.then(() => this.#channels.delete(channel))

        try {
          onChannel(channel, request)
        } catch (error: any) {
          // a throw from here would end the process
          channel.abort(error)
        }
      }
    })
    this.#server.routes.add(this.#route)

    try {
      this.#startTls(options)
    } catch (error) {
      this.#server.routes.remove(this.#route)
      throw error
    }
  }

  get channels (): number {
    return this.#channels.size
  }

  get addresses (): Multiaddr[] {
    const { bound } = this.#server

    if (bound == null || this.#closed != null) {
      return []
    }

    const plain = this.#address.tls || !this.#server.plain ? [] : this.#at(bound, false)
    const secure = this.#server.tls.on ? this.#at(bound, true) : []

    return [...plain, ...secure]
  }

  setCertificate ({ key, cert }: { key: string, cert: string }): void {
    // TLS would go on to take the certificate from `pfx`
    this.#server.tls.setCertificate({ key, cert, pfx: undefined })
  }

  async close (): Promise<void> {
    this.#closed ??= this.#close()
    await this.#closed
  }

  async #close (): Promise<void> {
    this.#server.routes.remove(this.#route)
    this.#route.close()

    const channels = [...this.#channels]
    const released = this.#servers.release(this.#shared)
    const timer = setTimeout(() => {
      channels.forEach(channel => {
        channel.abort(new TimeoutError(`Could not close ${formatAddress(channel.remote)}: not done within the ${this.#closeTimeout} ms that its server waits`))
      })
    }, Math.min(this.#closeTimeout, MAX_DELAY))

    await Promise.all(channels.map(async channel => { await channel.close(CloseCode.GOING_AWAY) }))
    clearTimeout(timer)
    await released
  }

  #startTls ({ https, http, certificates }: ListenOptions): void {
    this.#server.tls.start(https ?? http, certificates)

    if (this.#address.tls && !this.#server.tls.on) {
      throw new ListenError(`Could not listen on ${formatAddress(this.#address).toString()}: it needs a certificate, in the option certificates, or in https.key and https.cert; for AutoTLS listen on /ws`)
    }
  }

  /** The dialable addresses, one per interface behind a wildcard. */
  #at (bound: AddressInfo | string, tls: boolean): Multiaddr[] {
    const address: Address = { ...this.#address, tls }

    if (typeof bound === 'string') {
      return [formatAddress(address)]
    }

    // without the zone the host is the first component
    return getThinWaistAddresses(formatAddress({ ...address, zone: undefined, port: bound.port }))
      .map(thinWaist => formatAddress({ ...address, host: thinWaist.getComponents()[0].value ?? address.host, port: bound.port }))
  }
}
