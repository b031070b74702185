/**
 * One HTTP server on one port or Unix socket, with TLS on the same port once there is a certificate. What it serves
 * are its routes; all else is refused.
 */
import { once } from 'node:events'
import { HANDSHAKE_TIMEOUT } from '../constants.ts'
import { createServer } from '../node-http.ts'
import { Admission } from './admission.ts'
import { bindError, bindTarget } from './bind.ts'
import { fillEmptyTarget } from './empty-target.ts'
import { Handshakes } from './handshakes.ts'
import { peek } from './peek.ts'
import { responder } from './respond.ts'
import { Routes } from './routes.ts'
import { TlsPort } from './tls.ts'
import { upgrade } from './upgrade.ts'
import type { AdmissionOptions } from './admission.ts'
import type { BindOptions } from './bind.ts'
import type { CertificateOptions } from './certificates.ts'
import type { HandshakeStage } from './handshakes.ts'
import type { LimitReason } from './limits.ts'
import type { Peer } from './proxy-header.ts'
import type { RespondOptions } from './respond.ts'
import type { Address } from '../address/index.ts'
import type { Server as Http, IncomingMessage, ServerOptions } from 'node:http'
import type { ServerOptions as HttpsServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

/** Why a socket was refused: it was over a limit; or `verify` refused its request, or threw. */
export type DropReason = LimitReason | 'verify' | 'verifyError'

export interface ServerEvents {
  /** A socket was accepted. */
  onconnection?(): void
  /** A socket or its request was refused. */
  ondrop?(reason: DropReason): void
  /** A socket ended, or was ended, before it was a WebSocket; plain HTTP requests that got their answer do not count. */
  onhandshakefailed?(stage: HandshakeStage, error: Error): void
  /** The listening socket failed after it was bound, or new certificate files cannot be used. */
  onerror?(error: Error): void
}

export interface HttpServerOptions extends ServerEvents, AdmissionOptions, RespondOptions, BindOptions, CertificateOptions {
  /** For `http.createServer`. */
  http?: ServerOptions

  /**
   * For TLS: `key` and `cert`, or anything else that `tls.createServer` takes.
   *
   * @default the value of `http`
   */
  https?: HttpsServerOptions

  /**
   * From accept to the open WebSocket, ms.
   *
   * @default 10_000
   */
  handshakeTimeout?: number
}

export class HttpServer {
  readonly routes = new Routes()
  readonly tls: TlsPort
  /** HTTP without TLS is served as well. */
  readonly plain = true
  /**
   * Takes sockets that begin with multistream-select: raw TCP of libp2p. Nothing was read from them; `client` is who is behind
   * one.
   */
  onmultistream: ((socket: Socket, client: Peer) => void) | undefined
  readonly #options: HttpServerOptions
  readonly #http: Http
  readonly #serveHttp: (socket: Socket) => void
  readonly #handshakes: Handshakes
  readonly #admission: Admission

  constructor (options: HttpServerOptions) {
    this.#options = options
    this.#admission = new Admission(options)
    this.#handshakes = new Handshakes(options.handshakeTimeout ?? HANDSHAKE_TIMEOUT, (stage, error) => options.onhandshakefailed?.(stage, error))
    this.tls = new TlsPort(options.https ?? options.http, error => options.onerror?.(error))
    this.#http = createServer({ ...options.https, ...options.http }, responder(options))

    // the HTTP server listens itself, so that its own timeouts run; sockets pass by here before it reads them
    const [serveHttp] = this.#http.listeners('connection')
    this.#serveHttp = serveHttp.bind(this.#http) as (socket: Socket) => void
    this.#http.removeAllListeners('connection')
    this.#http.on('connection', (socket: Socket) => { void this.#accept(socket) })
    this.#http.on('request', (request: IncomingMessage) => { this.#handshakes.dismiss(request.socket) })
    this.#http.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      upgrade(this.routes.find(request.url), this.#handshakes, this.#admission, request, socket, head)
    })
    this.#http.maxConnections = this.#admission.maxConnections
    this.#http.on('drop', () => { this.#admission.drop('connections') })
  }

  /** What the system says it is bound to: a path for a Unix socket. */
  get bound (): AddressInfo | string | null {
    return this.#http.address()
  }

  /** @throws {ListenError} the address cannot be bound; `cause` says why */
  async bind (address: Address): Promise<void> {
    this.#admission.clients.unix = address.unixPath != null

    try {
      this.#http.listen(await bindTarget(address, this.#options))
      await once(this.#http, 'listening')
    } catch (cause: any) {
      throw bindError(address, cause)
    }

    this.#http.on('error', error => this.#options.onerror?.(error))
  }

  /** Stop listening, and end every socket that is not a WebSocket yet; resolves when all sockets have ended. */
  async close (): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()

    this.tls.close()
    this.#http.close(() => { resolve() })
    await Promise.all([promise, this.#handshakes.endAll()])
  }

  /** What happens to a socket, stage by stage, until its HTTP request is read. Never rejects. */
  async #accept (accepted: Socket): Promise<void> {
    try {
      if (!await this.#admits(accepted)) {
        accepted.destroy()
        return
      }

      const protocol = this.tls.on || this.onmultistream != null ? await peek(accepted) : 'http'

      if (protocol === 'multistream' && this.onmultistream != null) {
        this.#handshakes.finish(accepted)
        this.onmultistream(accepted, this.#admission.clients.ofConnection(accepted))
        return
      }

      await this.#serve(protocol === 'tls' && this.tls.on ? await this.#secure(accepted) : accepted)
    } catch (error: any) {
      this.#handshakes.fail(accepted, error)
    }
  }

  /** Whether a socket is over no limit; if it comes by a proxy that speaks the PROXY protocol, its header is read. */
  async #admits (accepted: Socket): Promise<boolean> {
    const { clients } = this.#admission

    if (this.#admission.refuses(this.#handshakes.pending)) {
      return false
    }

    this.#handshakes.begin(accepted)
    this.#options.onconnection?.()

    if (clients.isProxied(accepted)) {
      this.#handshakes.enter(accepted, 'proxy')
      await clients.readProxyHeader(accepted)
    }

    const client = this.#admission.perAddress ? clients.ofSocket(accepted) : undefined

    if (client == null) {
      return true
    }

    if (this.#admission.refusesClient(client, accepted)) {
      // that is no failure of its own
      this.#handshakes.dismiss(accepted)
      return false
    }

    this.#handshakes.identify(accepted, client)

    return true
  }

  async #secure (socket: Socket): Promise<Socket> {
    this.#handshakes.enter(socket, 'tls')

    return this.tls.secure(socket)
  }

  async #serve (socket: Socket): Promise<void> {
    this.#handshakes.enter(socket, 'request')

    if (this.routes.emptyTarget) {
      await fillEmptyTarget(socket)
    }

    this.#serveHttp(socket)
  }
}
