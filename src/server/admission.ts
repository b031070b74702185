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
  /** Whether it matters who comes. */
  readonly perAddress: boolean
  readonly #gate: Gate
  readonly #events: ServerEvents

  /** @throws {InvalidParametersError} options that are none */
  constructor (options: AdmissionOptions & ServerEvents) {
    this.clients = new Clients(options)
    this.maxConnections = options.limits?.connections ?? Infinity
    this.perAddress = (options.limits?.connectionsPerAddress ?? options.limits?.ratePerAddress) != null
    this.#gate = new Gate(options.limits)
    this.#events = options
  }

  /** Whether one more socket is too many, while so many are pending. */
  refuses (pending: number): boolean {
    return this.#refused(this.#gate.refuses(pending))
  }

  /** Whether a client is over a limit of its address; if not, `socket` counts for it from now on. */
  refusesClient (client: Peer, socket: Socket): boolean {
    return this.perAddress && this.#refused(this.#gate.refusesFrom(client.host, rawSocket(socket)))
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
