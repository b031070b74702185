/**
 * TLS on the port of another server, once there is a certificate: it takes sockets that were accepted there.
 */
import { createServer } from 'node:tls'
import { ListenError } from '@libp2p/interface'
import type { ServerOptions } from 'node:https'
import type { Socket } from 'node:net'
import type { Server, TLSSocket } from 'node:tls'

interface Pending {
  resolve (socket: TLSSocket): void
  reject (error: Error): void
}

export class TlsPort {
  /** Handshakes under way, by the socket that was accepted. */
  readonly #pending = new WeakMap<Socket, Pending>()
  #options: ServerOptions
  #server: Server | undefined

  /** Off until `setCertificate`; `options` are for then. */
  constructor (options?: ServerOptions) {
    this.#options = { ALPNProtocols: ['http/1.1'], ...options }
  }

  /** Whether it has a certificate. */
  get on (): boolean {
    return this.#server != null
  }

  /**
   * Answer handshakes with this certificate, and other options, from now on. What is not given stays as it was; so do
   * open connections.
   *
   * @throws {ListenError} TLS cannot use them; what was used before stays
   */
  setCertificate (changes: ServerOptions): void {
    const options = { ...this.#options, ...changes }

    try {
      this.#use(options)
    } catch (cause: any) {
      const error = new ListenError(`TLS cannot use this key and certificate: ${cause.message}`)
      error.cause = cause
      throw error
    }

    this.#options = options
  }

  /** The handshake of a socket of which nothing was read; only when it is on. Rejects when it fails. */
  async secure (socket: Socket): Promise<TLSSocket> {
    // or else a client that leaves in the middle of its handshake is noticed by the deadline only
    socket.allowHalfOpen = false

    return new Promise((resolve, reject) => {
      this.#pending.set(socket, { resolve, reject })
      this.#server?.emit('connection', socket)
    })
  }

  #use (options: ServerOptions): void {
    if (!hasCertificate(options)) {
      throw new Error('one of them is missing')
    }

    if (this.#server != null) {
      this.#server.setSecureContext(options)
      return
    }

    this.#server = createServer(options)
    this.#server.on('secureConnection', socket => { this.#pending.get(rawSocket(socket))?.resolve(socket) })
    this.#server.on('tlsClientError', (error, socket) => { this.#pending.get(rawSocket(socket))?.reject(error) })
  }
}

/** The socket that was accepted; TLS has no public name for the one under it. */
export function rawSocket (socket: Socket & { _parent?: Socket }): Socket {
  return socket._parent ?? socket
}

/** TLS itself starts without one, and then fails every handshake. */
function hasCertificate ({ key, cert, pfx, SNICallback }: ServerOptions): boolean {
  return pfx != null || SNICallback != null || [key, cert].every(pem => pem != null && pem.length > 0)
}
