/**
 * A server of somebody else: upgrade requests on the paths of our routes are taken from it. All others, its requests, its
 * port, its TLS and its end are left to whoever runs it.
 */
import { Server as Tls } from 'node:tls'
import { ListenError } from '@libp2p/interface'
import { formatAddress } from '../address/index.ts'
import { HANDSHAKE_TIMEOUT } from '../constants.ts'
import { Admission } from './admission.ts'
import { Handshakes } from './handshakes.ts'
import { refuseUpgrade } from './refuse.ts'
import { Routes } from './routes.ts'
import { rawSocket } from './tls.ts'
import { upgrade } from './upgrade.ts'
import type { HttpServerOptions } from './http-server.ts'
import type { Address } from '../address/index.ts'
import type { Server as Http, IncomingMessage } from 'node:http'
import type { Http2SecureServer, Http2Server } from 'node:http2'
import type { Server as Https } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

/** One with the `upgrade` event of `node:http`; of the servers of HTTP/2 only the secure one has it, with its `allowHTTP1`. */
export type UserServer = Http | Https | Http2Server | Http2SecureServer

export interface AttachOptions {
  /**
   * An `http.Server` or `https.Server`, also that of a framework, that listens already, instead of one of our own. It serves what it served before;
   * upgrade requests on exactly the path of the address are taken from it, others are left to its other `upgrade`
   * listeners. The address says what is announced: its port is that of the server, or 0. `close` leaves the server alone.
   * `http`, `https`, `certificates`, `onrequest`, `healthPath`, `backlog`, `reusePort`, `proxyProtocol` and `limits.connections` are
   * its own business; other limits are about the upgrade requests that are taken.
   *
   * @default a server for the port of the address
   */
  server?: UserServer
}

export class AttachedServer {
  readonly routes = new Routes()
  readonly tls: { readonly on: boolean, start (): void, setCertificate (): void }
  /** It speaks only one of both. */
  readonly plain: boolean
  readonly #server: UserServer
  readonly #handshakes: Handshakes
  readonly #admission: Admission

  constructor (server: UserServer, options: HttpServerOptions) {
    this.#server = server
    this.#admission = new Admission(options)
    this.#admission.clients.unix = typeof server.address() === 'string'
    this.plain = !(server instanceof Tls)
    this.tls = { on: !this.plain, start: () => {}, setCertificate: refuseCertificate }
    this.#handshakes = new Handshakes(options.handshakeTimeout ?? HANDSHAKE_TIMEOUT, (stage, error) => options.onhandshakefailed?.(stage, error))
    server.on('upgrade', this.#onupgrade)
  }

  /** Null once it has been closed. */
  get bound (): AddressInfo | string | null {
    return this.#server.address()
  }

  /** Take nothing more from it, and end every socket that was taken and is not a WebSocket yet. */
  async close (): Promise<void> {
    this.#server.removeListener('upgrade', this.#onupgrade)
    await this.#handshakes.endAll()
  }

  readonly #onupgrade = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    const route = this.routes.at(request.url)

    // one that no route has may be for another listener; where there is none, nobody else would answer
    if (route == null && this.#server.listenerCount('upgrade') > 1) {
      return
    }

    if (this.#admission.refuses(this.#handshakes.pending)) {
      refuseUpgrade(socket, 503, 'Too many connections at once')
      return
    }

    this.#handshakes.begin(rawSocket(socket))
    upgrade(route, this.#handshakes, this.#admission, request, socket, head)
  }
}

/** @throws {ListenError} it does not listen, or not on the port of the address (0 is any), or without its TLS */
export function assertListening (server: UserServer, address: Address): void {
  const bound = server.address()
  const refuse = (reason: string): ListenError => new ListenError(`Could not listen on ${formatAddress(address).toString()}: the server that was handed over ${reason}`)

  if (bound == null) {
    throw refuse('does not listen: call its listen() and wait for its listening event before, and do not close it')
  }

  if (address.tls && !(server instanceof Tls)) {
    throw refuse('has no TLS: use a /ws address, or an https.Server with a certificate')
  }

  if (typeof bound === 'string' && bound !== address.unixPath) {
    throw refuse(`listens on ${bound}: use /unix/${encodeURIComponent(bound)}/ws`)
  }

  if (typeof bound === 'object' && (address.unixPath != null || ![0, bound.port].includes(address.port))) {
    throw refuse(`listens on port ${bound.port}: use that, or /tcp/0 for whichever it has`)
  }
}

function refuseCertificate (): never {
  throw new ListenError('A certificate for a server that was handed over is the business of that server: give it to its setSecureContext()')
}
