/**
 * One HTTP server on one port or Unix socket, with TLS on the same port once there is a certificate. What it serves
 * are its routes; all else is refused.
 */
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { HANDSHAKE_TIMEOUT } from '../constants.ts'
import { bindError, bindTarget } from './bind.ts'
import { fillEmptyTarget } from './empty-target.ts'
import { Handshakes } from './handshakes.ts'
import { peek } from './peek.ts'
import { refuseRequest } from './refuse.ts'
import { Routes } from './routes.ts'
import { TlsPort } from './tls.ts'
import { upgrader } from './upgrade.ts'
import type { HandshakeStage } from './handshakes.ts'
import type { Address } from '../address/index.ts'
import type { Server as Http, IncomingMessage, ServerOptions, ServerResponse } from 'node:http'
import type { ServerOptions as HttpsServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

// an `import` of it reads all its properties, and one of them loads undici: 2 MB that each garbage collection walks through
const { createServer } = createRequire(import.meta.url)('node:http') as typeof import('node:http')

/**
 * Why a socket was refused: Node's server had its `maxConnections`; `verify` refused the request, or threw.
 */
export type DropReason = 'connections' | 'verify' | 'verify-error'

export interface ServerEvents {
  /** A socket was accepted. */
  onconnection?(): void
  /** A socket or its request was refused. */
  ondrop?(reason: DropReason): void
  /** A socket ended, or was ended, before it was a WebSocket; plain HTTP requests that got their answer do not count. */
  onhandshakefailed?(stage: HandshakeStage, error: Error): void
  /** The listening socket failed after it was bound. */
  onerror?(error: Error): void
}

type RequestHandler = NonNullable<HttpServerOptions['onrequest']>

export interface HttpServerOptions extends ServerEvents {
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

  /**
   * Answers HTTP requests that ask for no WebSocket, on any path; on a shared port that of its first listener does.
   *
   * @default status 426, and a line that says so
   */
  onrequest?(request: IncomingMessage, response: ServerResponse): void
}

export class HttpServer {
  readonly routes = new Routes()
  readonly tls: TlsPort
  readonly #events: ServerEvents
  readonly #http: Http
  readonly #serveHttp: (socket: Socket) => void
  readonly #handshakes: Handshakes

  constructor (options: HttpServerOptions) {
    this.#events = options
    this.#handshakes = new Handshakes(options.handshakeTimeout ?? HANDSHAKE_TIMEOUT, (stage, error) => options.onhandshakefailed?.(stage, error))
    this.tls = new TlsPort(options.https ?? options.http)
    this.#http = createServer({ ...options.https, ...options.http }, guarded(options.onrequest ?? refuseRequest))

    // the HTTP server listens itself, so that its own timeouts run; sockets pass by here before it reads them
    const [serveHttp] = this.#http.listeners('connection')
    this.#serveHttp = serveHttp.bind(this.#http) as (socket: Socket) => void
    this.#http.removeAllListeners('connection')
    this.#http.on('connection', (socket: Socket) => { void this.#accept(socket) })
    this.#http.on('request', (request: IncomingMessage) => { this.#handshakes.dismiss(request.socket) })
    this.#http.on('upgrade', upgrader(this.routes, this.#handshakes, options))
    this.#http.on('drop', () => options.ondrop?.('connections'))
  }

  /** What the system says it is bound to: a path for a Unix socket. */
  get bound (): AddressInfo | string | null {
    return this.#http.address()
  }

  /** @throws {ListenError} the address cannot be bound; `cause` says why */
  async bind (address: Address): Promise<void> {
    try {
      this.#http.listen(await bindTarget(address))
      await once(this.#http, 'listening')
    } catch (cause: any) {
      throw bindError(address, cause)
    }

    this.#http.on('error', error => this.#events.onerror?.(error))
  }

  /** Stop listening, and end every socket that is not a WebSocket yet; resolves when all sockets have ended. */
  async close (): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()

    this.#http.close(() => { resolve() })
    await Promise.all([promise, this.#handshakes.endAll()])
  }

  /** What happens to a socket, stage by stage, until its HTTP request is read. Never rejects. */
  async #accept (accepted: Socket): Promise<void> {
    this.#handshakes.begin(accepted)
    this.#events.onconnection?.()

    try {
      const protocol = this.tls.on ? await peek(accepted) : 'http'
      const socket = protocol === 'tls' ? await this.#secure(accepted) : accepted
      await this.#serve(socket)
    } catch (error: any) {
      this.#handshakes.fail(accepted, error)
    }
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

/** A throw of the handler would end the process. */
function guarded (onrequest: RequestHandler): RequestHandler {
  return (request, response) => {
    try {
      onrequest(request, response)
    } catch {
      if (!response.headersSent) {
        response.writeHead(500, { Connection: 'close' })
      }

      response.end()
    }
  }
}
