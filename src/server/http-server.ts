/**
 * One HTTP server on one port or Unix socket, with TLS on the same port once there is a certificate. What it serves
 * are its routes; all else is refused.
 */
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { HANDSHAKE_TIMEOUT } from '../constants.ts'
import { bindError, bindTarget } from './bind.ts'
import { Handshakes } from './handshakes.ts'
import { refuseRequest, refuseUpgrade } from './refuse.ts'
import { Routes } from './routes.ts'
import { TlsPort } from './tls.ts'
import type { HandshakeStage } from './handshakes.ts'
import type { Route } from './route.ts'
import type { Address } from '../address/index.ts'
import type { Server as Http, IncomingMessage, ServerOptions, ServerResponse } from 'node:http'
import type { ServerOptions as HttpsServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

// an `import` of it reads all its properties, and one of them loads undici: 2 MB that each garbage collection walks through
const { createServer } = createRequire(import.meta.url)('node:http') as typeof import('node:http')

/** First byte of a TLS record that holds a handshake (RFC 8446 section 5.1). */
const TLS_HANDSHAKE = 0x16

/** A request without target begins like this; it comes in one piece. */
const EMPTY_TARGET = Buffer.from('GET  HTTP/')
const ROOT_TARGET = Buffer.from('GET / HTTP/')

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
    this.tls = new TlsPort(options.https ?? options.http, {
      onsecure: socket => { this.#serve(socket) },
      onfailed: (socket, error) => { this.#handshakes.fail(socket, error) }
    })
    this.#http = createServer({ ...options.https, ...options.http }, guarded(options.onrequest ?? refuseRequest))

    // the HTTP server listens itself, so that its own timeouts run; sockets pass by here before it reads them
    const [serveHttp] = this.#http.listeners('connection')
    this.#serveHttp = serveHttp.bind(this.#http) as (socket: Socket) => void
    this.#http.removeAllListeners('connection')
    this.#http.on('connection', this.#onconnection)
    this.#http.on('request', (request: IncomingMessage) => { this.#handshakes.dismiss(request.socket) })
    this.#http.on('upgrade', this.#onupgrade)
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

  readonly #onconnection = (socket: Socket): void => {
    this.#handshakes.begin(socket)
    this.#events.onconnection?.()

    if (this.tls.on) {
      this.#peek(socket)
    } else {
      this.#serve(socket)
    }
  }

  /** TLS and HTTP share the port: the first byte tells them apart. */
  #peek (socket: Socket): void {
    socket.once('readable', () => {
      const first: Uint8Array | null = socket.read(1)

      if (first == null) {
        socket.destroy()
        return
      }

      socket.unshift(first)

      if (first[0] === TLS_HANDSHAKE) {
        this.#handshakes.enter(socket, 'tls')
        this.tls.take(socket)
      } else {
        this.#serve(socket)
      }
    })
  }

  #serve (socket: Socket): void {
    this.#handshakes.enter(socket, 'request')

    if (!this.routes.emptyTarget) {
      this.#serveHttp(socket)
    } else if (socket.readableLength > 0) {
      this.#serveFilled(socket)
    } else {
      socket.once('readable', () => { this.#serveFilled(socket) })
    }
  }

  /** Node's parser would refuse a request without target. */
  #serveFilled (socket: Socket): void {
    const head: Buffer | null = socket.read()

    if (head != null) {
      const empty = head.subarray(0, EMPTY_TARGET.length).equals(EMPTY_TARGET)
      socket.unshift(empty ? Buffer.concat([ROOT_TARGET, head.subarray(EMPTY_TARGET.length)]) : head)
    }

    this.#serveHttp(socket)
  }

  readonly #onupgrade = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    const route = this.routes.find(request.url ?? '/')

    this.#handshakes.enter(socket, 'upgrade')

    if (route == null) {
      refuseUpgrade(socket, 404, 'No WebSocket on this path')
    } else if (!route.accepts(socket)) {
      refuseUpgrade(socket, 426, 'Only WebSockets over TLS on this path: dial its wss address')
    } else {
      void this.#upgrade(route, request, socket, head)
    }
  }

  /** Never rejects, as that would end the process. */
  async #upgrade (route: Route, request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    try {
      await route.upgrade(request, socket, head, {
        onupgraded: () => { this.#handshakes.finish(socket) },
        onrefused: (reason) => { this.#events.ondrop?.(reason) }
      })
    } catch (error: any) {
      refuseUpgrade(socket, 500, 'Internal Server Error', error)
    }
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
