/**
 * A path of an HTTP server on which WebSockets are accepted, and the boundary to `ws` that accepts them.
 */
import { TLSSocket } from 'node:tls'
import { InvalidParametersError } from '@libp2p/interface'
import { WebSocketServer } from 'ws'
import { fromSocket } from '../address/index.ts'
import { Handshake } from '../channel/handshake.ts'
import { SocketChannel } from '../channel/socket-channel.ts'
import { validateHeaderName, validateHeaderValue } from '../node-http.ts'
import { refuseUpgrade } from './refuse.ts'
import { pathOf } from './routes.ts'
import { UNIX } from './trust.ts'
import { Verification } from './verify.ts'
import type { Peer } from './proxy-header.ts'
import type { Verify } from './verify.ts'
import type { Address } from '../address/index.ts'
import type { Channel, ChannelMode, ChannelOptions } from '../channel/channel.ts'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Server as WsServer } from 'ws'

/** Chooses one of the offered subprotocols; `false` refuses the WebSocket. */
export type SubprotocolSelector = (offers: string[], request: IncomingMessage) => string | false

export interface RouteInit {
  /** Where it listens; the path of the root takes any path that no other route has. */
  address: Address
  channelOptions: Omit<ChannelOptions, 'mode'> & { mode?: ChannelMode | ((request: IncomingMessage) => ChannelMode) }
  /** Without one no subprotocol is chosen, whatever is offered. */
  subprotocol?: string | SubprotocolSelector
  /** Requests without target are meant for `/`. */
  emptyTarget?: boolean
  /** Without it every request is accepted. */
  verify?: Verify
  /** More response headers. */
  headers?: Record<string, string>
  onChannel (channel: Channel, request: IncomingMessage): void
}

/** What becomes of an upgrade request. */
export interface UpgradeEvents {
  /** It has a WebSocket; comes before `onChannel`. */
  onupgraded (): void
  /** `verify` refused it, or threw. */
  onrefused (reason: 'verify' | 'verifyError'): void
}

/** They are what the handshake itself says. */
const HANDSHAKE_HEADER = /^(connection|upgrade|sec-websocket-.*)$/i

export class Route {
  readonly path: string
  readonly emptyTarget: boolean
  readonly #init: RouteInit
  readonly #handshakes: WsServer<typeof Handshake>
  readonly #verification: Verification | undefined
  /** The choice for the handshake under way, which is synchronous. */
  #chosen: string | false = false

  constructor (init: RouteInit) {
    this.path = pathOf(init.address.path)
    this.emptyTarget = init.emptyTarget === true
    this.#init = init
    this.#verification = init.verify == null ? undefined : new Verification(init.verify)
    this.#handshakes = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      WebSocket: Handshake,
      handleProtocols: () => this.#chosen
    })

    const headers = headerLines(init.headers)
    this.#handshakes.on('headers', lines => { lines.push(...headers) })
  }

  /** A secure address is not served without TLS. */
  accepts (socket: Socket): boolean {
    return !this.#init.address.tls || socket instanceof TLSSocket
  }

  /**
   * Answer the upgrade request of a client with a WebSocket or a refusal; at once, without `verify`.
   *
   * @returns rejects if the subprotocol selector throws
   */
  async upgrade (request: IncomingMessage, socket: Socket, head: Buffer, client: Peer, events: UpgradeEvents): Promise<void> {
    const { address } = this.#init
    const local = address.unixPath == null ? endOf(socket, address.path, socket.localAddress, socket.localPort) : address
    const remote = client.host === UNIX ? address : endOf(socket, '/', client.host, client.port)

    // the peer has reset it since
    if (local == null || remote == null) {
      socket.destroy()
      return
    }

    if (this.#verification != null && !await this.#verification.passes(request, socket, remote, events.onrefused)) {
      return
    }

    if (!this.#choose(request)) {
      refuseUpgrade(socket, 400, 'None of the offered subprotocols is spoken here')
      return
    }

    this.#handshakes.handleUpgrade(request, socket, head, handshake => {
      const { protocol: subprotocol } = handshake
      const channel = new SocketChannel({ socket, head, role: 'server', local, remote, subprotocol }, this.#channelOptions(request))

      this.#verification?.finish(socket)
      // from here on it is the channel that knows of errors of the socket
      events.onupgraded()
      this.#init.onChannel(channel, request)
    })
  }

  /** Refuse the requests that wait for `verify`. */
  close (): void {
    this.#verification?.close()
  }

  #channelOptions (request: IncomingMessage): ChannelOptions {
    const { mode, ...options } = this.#init.channelOptions

    return { ...options, mode: typeof mode === 'function' ? mode(request) : mode }
  }

  #choose (request: IncomingMessage): boolean {
    const { subprotocol } = this.#init
    const offers = (request.headers['sec-websocket-protocol'] ?? '').split(',').map(offer => offer.trim()).filter(offer => offer !== '')

    if (subprotocol == null) {
      return true
    }

    this.#chosen = typeof subprotocol === 'function' ? subprotocol(offers, request) : offers.includes(subprotocol) && subprotocol

    return this.#chosen !== false
  }
}

/** One end of a connection; undefined where it has none any more. */
function endOf (socket: Socket, path: string, host = '', port = 0): Address | undefined {
  return host === '' ? undefined : fromSocket(host, port, socket instanceof TLSSocket, path)
}

/** @throws {InvalidParametersError} a header that HTTP does not allow, or that belongs to the handshake */
function headerLines (headers: Record<string, string> = {}): string[] {
  return Object.entries(headers).map(([name, value]) => {
    if (HANDSHAKE_HEADER.test(name)) {
      throw new InvalidParametersError(`the response header ${name} belongs to the handshake: leave it out`)
    }

    try {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    } catch (error: any) {
      const wrapped = new InvalidParametersError(`cannot send this response header: ${error.message}`)
      wrapped.cause = error
      throw wrapped
    }

    return `${name}: ${value}`
  })
}
