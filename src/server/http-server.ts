/**
 * One HTTP server on one port or Unix socket, with TLS on the same port once there is a certificate, and a deadline
 * for every socket from its accept to the WebSocket. What it serves are its routes; it goes when the last one goes.
 */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createTlsServer } from 'node:tls'
import { ListenError, TimeoutError } from '@libp2p/interface'
import { HANDSHAKE_TIMEOUT, MAX_DELAY } from '../constants.ts'
import { bindError, bindTarget } from './bind.ts'
import { refuseRequest, refuseUpgrade } from './refuse.ts'
import type { Route } from './route.ts'
import type { Address } from '../address/index.ts'
import type { Server as Http, IncomingMessage, ServerOptions } from 'node:http'
import type { ServerOptions as HttpsServerOptions } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Server as Tls, TLSSocket } from 'node:tls'

/** First byte of a TLS record that holds a handshake (RFC 8446 section 5.1). */
const TLS_HANDSHAKE = 0x16

/** How far an inbound connection got before it failed. */
export type HandshakeStage = 'accept' | 'tls' | 'request' | 'upgrade'

export interface ServerEvents {
  /** A socket was accepted. */
  onconnection?(): void
  /** Node refused a socket, because its server had `maxConnections`. No option sets that yet. */
  ondrop?(): void
  /** A socket ended, or was ended, before it was a WebSocket; plain HTTP requests that got their answer do not count. */
  onhandshakefailed?(stage: HandshakeStage, error: Error): void
  /** The listening socket failed after it was bound. */
  onerror?(error: Error): void
}

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
}

interface Handshaking {
  stage: HandshakeStage
  timer: NodeJS.Timeout
  /** Counts a handshake that failed. */
  onclose(): void
  /** What TLS made of the socket. */
  secure?: TLSSocket
  error?: Error
  /** It became a WebSocket, or asked for something else than one. */
  done: boolean
}

export class HttpServer {
  readonly #options: HttpServerOptions
  readonly #http: Http
  readonly #serveHttp: (socket: Socket) => void
  readonly #routes = new Map<string, Route>()
  readonly #sockets = new Map<Socket, Handshaking>()
  #tlsOptions: HttpsServerOptions
  #tls: Tls | undefined

  constructor (options: HttpServerOptions) {
    this.#options = options
    this.#tlsOptions = { ALPNProtocols: ['http/1.1'], ...(options.https ?? options.http) }
    this.#http = createHttpServer({ ...options.https, ...options.http }, refuseRequest)

    // the HTTP server listens itself, so that its own timeouts run; sockets pass by here before it reads them
    const [serveHttp] = this.#http.listeners('connection')
    this.#serveHttp = serveHttp.bind(this.#http) as (socket: Socket) => void
    this.#http.removeAllListeners('connection')
    this.#http.on('connection', this.#onconnection)
    this.#http.on('request', (request: IncomingMessage) => { this.#finish(request.socket) })
    this.#http.on('upgrade', this.#onupgrade)
    this.#http.on('drop', () => options.ondrop?.())
  }

  /** What the system says it is bound to: a path for a Unix socket. */
  get bound (): AddressInfo | string | null {
    return this.#http.address()
  }

  /** Whether TLS handshakes are answered. */
  get secure (): boolean {
    return this.#tls != null
  }

  /** @throws {ListenError} the address cannot be bound; `cause` says why */
  async bind (address: Address): Promise<void> {
    try {
      this.#http.listen(await bindTarget(address))
      await once(this.#http, 'listening')
    } catch (cause: any) {
      throw bindError(address, cause)
    }

    this.#http.on('error', error => this.#options.onerror?.(error))
  }

  /** @throws {ListenError} there is a route on this path already */
  add (route: Route): void {
    if (this.#routes.has(route.path)) {
      throw new ListenError(`There is a listener on path ${route.path} of this port already: choose another /http-path, or another port`)
    }

    this.#routes.set(route.path, route)
  }

  remove (route: Route): void {
    this.#routes.delete(route.path)
  }

  /**
   * Answer TLS handshakes with this certificate, and other options for TLS, from now on. What is not given stays as it
   * was; so do open connections.
   *
   * @throws {ListenError} TLS cannot use them; what was used before stays
   */
  setCertificate (tlsOptions: HttpsServerOptions): void {
    const options = { ...this.#tlsOptions, ...tlsOptions }

    try {
      if (!hasCertificate(options)) {
        throw new Error('one of them is missing')
      }

      if (this.#tls != null) {
        this.#tls.setSecureContext(options)
      } else {
        this.#tls = createTlsServer(options)
        this.#tls.on('secureConnection', this.#onsecure)
        this.#tls.on('tlsClientError', this.#ontlserror)
      }
    } catch (cause: any) {
      const error = new ListenError(`TLS cannot use this key and certificate: ${cause.message}`)
      error.cause = cause
      throw error
    }

    this.#tlsOptions = options
  }

  /** Stop listening, and end every socket that is not a WebSocket yet; resolves when all sockets have ended. */
  async close (): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()

    this.#http.close(() => { resolve() })

    for (const [socket, handshaking] of this.#sockets) {
      clearTimeout(handshaking.timer)
      socket.destroy()
    }

    await promise
  }

  readonly #onconnection = (socket: Socket): void => {
    const timer = setTimeout(() => { this.#expire(socket) }, Math.min(this.#options.handshakeTimeout ?? HANDSHAKE_TIMEOUT, MAX_DELAY))
    const onclose = (): void => { this.#onsocketclose(socket, handshaking) }
    const handshaking: Handshaking = { stage: 'accept', timer, onclose, done: false }

    this.#options.onconnection?.()
    this.#sockets.set(socket, handshaking)
    socket.on('error', ignore)
    socket.on('close', onclose)

    if (this.#tls == null) {
      this.#serve(socket, handshaking)
    } else {
      this.#peek(socket, handshaking, this.#tls)
    }
  }

  /** TLS and HTTP share the port: the first byte tells them apart. */
  #peek (socket: Socket, handshaking: Handshaking, tls: Tls): void {
    socket.once('readable', () => {
      const first: Uint8Array | null = socket.read(1)

      if (first == null) {
        socket.destroy()
        return
      }

      socket.unshift(first)

      if (first[0] === TLS_HANDSHAKE) {
        handshaking.stage = 'tls'
        // or else a client that leaves in the middle of its handshake is noticed by the deadline only
        socket.allowHalfOpen = false
        tls.emit('connection', socket)
      } else {
        this.#serve(socket, handshaking)
      }
    })
  }

  #serve (socket: Socket, handshaking: Handshaking): void {
    handshaking.stage = 'request'
    this.#serveHttp(socket)
  }

  readonly #onsecure = (socket: TLSSocket): void => {
    const handshaking = this.#sockets.get(rawSocket(socket))

    if (handshaking != null) {
      handshaking.secure = socket
      this.#serve(socket, handshaking)
    }
  }

  readonly #ontlserror = (error: Error, socket: TLSSocket): void => {
    const handshaking = this.#sockets.get(rawSocket(socket))

    if (handshaking != null) {
      handshaking.error ??= error
    }

    socket.destroy()
  }

  readonly #onupgrade = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    const handshaking = this.#sockets.get(rawSocket(socket))
    const route = this.#routeOf(request)

    if (handshaking != null) {
      handshaking.stage = 'upgrade'
    }

    if (route == null) {
      refuseUpgrade(socket, 404, 'No WebSocket on this path')
    } else if (!route.accepts(socket)) {
      refuseUpgrade(socket, 426, 'Only WebSockets over TLS on this path: dial its wss address')
    } else {
      this.#upgrade(route, request, socket, head)
    }
  }

  #upgrade (route: Route, request: IncomingMessage, socket: Socket, head: Buffer): void {
    try {
      route.upgrade(request, socket, head, () => { this.#finish(socket) })
    } catch (error: any) {
      // a throw from here would end the process
      refuseUpgrade(socket, 500, 'Internal Server Error', error)
    }
  }

  /** An exact path, with or without a slash behind it, or else the route that takes any. */
  #routeOf (request: IncomingMessage): Route | undefined {
    // a target may be a whole URL (RFC 9112 section 3.2.2)
    const [path] = (request.url ?? '/').replace(/^\w+:\/\/[^/?]*/, '').split('?', 1)

    return this.#routes.get(path) ?? this.#routes.get(path.replace(/\/$/, '')) ?? this.#routes.get('/')
  }

  /** The handshake is over; a WebSocket is no longer ours to end. */
  #finish (socket: Socket): void {
    const raw = rawSocket(socket)
    const handshaking = this.#sockets.get(raw)

    if (handshaking == null) {
      return
    }

    handshaking.done = true
    clearTimeout(handshaking.timer)

    if (handshaking.stage === 'upgrade') {
      // nothing of the handshake may cost memory while the WebSocket is idle
      raw.removeListener('close', handshaking.onclose)
      this.#sockets.delete(raw)
    }
  }

  #expire (socket: Socket): void {
    const handshaking = this.#sockets.get(socket)

    if (handshaking != null) {
      handshaking.error = new TimeoutError('No WebSocket within the handshake timeout')
      socket.destroy()
    }
  }

  #onsocketclose (socket: Socket, handshaking: Handshaking): void {
    clearTimeout(handshaking.timer)

    if (this.#sockets.delete(socket) && !handshaking.done) {
      this.#options.onhandshakefailed?.(handshaking.stage, handshaking.error ?? handshaking.secure?.errored ?? socket.errored ?? new Error('The socket ended'))
    }
  }
}

/** An error of a socket is followed by its `close`. */
function ignore (): void {}

/** TLS itself starts without one, and then fails every handshake. */
function hasCertificate ({ key, cert, pfx, SNICallback }: HttpsServerOptions): boolean {
  return pfx != null || SNICallback != null || [key, cert].every(pem => pem != null && pem.length > 0)
}

/** The socket that was accepted; TLS has no public name for the one under it. */
function rawSocket (socket: Socket & { _parent?: Socket }): Socket {
  return socket._parent ?? socket
}
