/**
 * Whom a server takes: its limits, who its clients are, and an event for each that it refuses.
 */
import { Clients } from './clients.ts'
import { Gate } from './limits.ts'
import { rawSocket } from './tls.ts'
import type { ClientOptions } from './clients.ts'
import type { DropReason, ServerEvents } from './http-server.ts'
import type { Limits } from './limits.ts'
import type { Peer } from './proxy-header.ts'
import type { Socket } from 'node:net'

export interface AdmissionOptions extends ClientOptions {
  /**
   * How many sockets a port takes at once and in a second, in all, from one address, and before they are WebSockets.
   * `http.maxHeaderSize` and `maxMessage` limit what one may send.
   *
   * @default none
   */
  limits?: Limits
}

export class Admission {
  readonly clients: Clients
  /** Sockets at once. */
  readonly maxConnections: number
  readonly #gate: Gate
  readonly #events: ServerEvents

  /** @throws {InvalidParametersError} options that are none */
  constructor (options: AdmissionOptions & ServerEvents) {
    this.clients = new Clients(options)
    this.maxConnections = options.limits?.connections ?? Infinity
    this.#gate = new Gate(options.limits)
    this.#events = options
  }

  /** Whether one more socket is too many, while so many are pending. */
  refuses (pending: number): boolean {
    return this.#refused(this.#gate.refuses(pending))
  }

  /** Whether a socket is too many for its client, once that is known; asked again, what was let through stays. */
  refusesClient (socket: Socket, client?: Peer): boolean {
    if (!this.#gate.perAddress) {
      return false
    }

    const known = client ?? this.clients.ofSocket(socket)

    return known != null && this.#refused(this.#gate.refusesFrom(known.host, rawSocket(socket)))
  }

  /** Tell that a socket, or its request, was refused. */
  drop (reason: DropReason): void {
    this.#events.ondrop?.(reason)
  }

  #refused (reason: DropReason | undefined): boolean {
    if (reason != null) {
      this.drop(reason)
    }

    return reason != null
  }
}
