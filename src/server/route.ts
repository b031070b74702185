/**
 * A path of an HTTP server on which WebSockets are accepted, and the boundary to `ws` that accepts them.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { TLSSocket } from 'node:tls'
import { InvalidParametersError } from '@libp2p/interface'
import { WebSocketServer } from 'ws'
import { fromSocket } from '../address/index.ts'
import { Handshake } from '../channel/handshake.ts'
import { SocketChannel } from '../channel/socket-channel.ts'
import { refuseUpgrade } from './refuse.ts'
import { Verification } from './verify.ts'
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
  onrefused (reason: 'verify' | 'verify-error'): void
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
    this.path = init.address.path === '/' ? '/' : init.address.path.replace(/\/$/, '')
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
   * Answer the upgrade request with a WebSocket or a refusal; at once, without `verify`.
   *
   * @returns rejects if the subprotocol selector throws
   */
  async upgrade (request: IncomingMessage, socket: Socket, head: Buffer, events: UpgradeEvents): Promise<void> {
    const local = this.#address(socket, this.#init.address.path, socket.localAddress, socket.localPort)
    const remote = this.#address(socket, '/', socket.remoteAddress, socket.remotePort)

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
      this.#verification?.finish(socket)
      events.onupgraded()
      this.#init.onChannel(new SocketChannel({
        socket,
        head,
        role: 'server',
        local,
        remote,
        subprotocol: handshake.protocol
      }, this.#channelOptions(request)), request)
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

  /** One end of the socket; undefined where it has none any more. */
  #address (socket: Socket, path: string, host?: string, port: number = 0): Address | undefined {
    const { address } = this.#init

    if (address.unixPath != null) {
      return address
    }

    return host == null ? undefined : fromSocket(host, port, socket instanceof TLSSocket, path)
  }
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
