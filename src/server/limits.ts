/**
 * How many sockets a port takes, so that those it has are served: what is over a limit is ended as soon as that is known.
 */
import { isIPv6 } from 'node:net'
import { InvalidParametersError } from '@libp2p/interface'
import { Rate } from './rate.ts'
import type { Socket } from 'node:net'

/** Of one port; each is a number from 1 on, and none by default. IPv6 addresses are taken together by /64, as networks have them. */
export interface Limits {
  /** Sockets at once, WebSockets or not. */
  connections?: number

  /** Sockets at once from one address. */
  connectionsPerAddress?: number

  /** Sockets at once that are not WebSockets yet, and have no HTTP request that was answered. */
  pending?: number

  /** New sockets in a second; those that are refused because of `pending` count too. */
  rate?: number

  /** New sockets in a second from one address. */
  ratePerAddress?: number
}

/** Which limit was reached. */
export type LimitReason = keyof Limits

/** The one key of the rate for all. */
const ALL = ''

export class Gate {
  readonly #limits: Readonly<Limits>
  /** Whether it matters who comes. */
  readonly perAddress: boolean
  readonly #rate: Rate
  readonly #ratePerAddress: Rate
  /** Sockets by address. */
  readonly #open = new Map<string, number>()
  readonly #admitted = new WeakSet<Socket>()

  /** @throws {InvalidParametersError} a limit that is none */
  constructor (limits: Limits = {}) {
    Object.entries(limits).forEach(([name, limit]) => { check(name, limit) })

    this.#limits = limits
    this.perAddress = (limits.connectionsPerAddress ?? limits.ratePerAddress) != null
    this.#rate = new Rate(limits.rate)
    this.#ratePerAddress = new Rate(limits.ratePerAddress)
  }

  /** Whether the port takes one more, with so many pending. */
  refuses (pending: number): LimitReason | undefined {
    if (this.#rate.exceeds(ALL)) {
      return 'rate'
    }

    return pending >= (this.#limits.pending ?? Infinity) ? 'pending' : undefined
  }

  /** Whether this address may have one more; if so, `socket` counts for it until it closes, and is not asked about again. */
  refusesFrom (address: string, socket: Socket): LimitReason | undefined {
    if (this.#admitted.has(socket)) {
      return
    }

    const { connectionsPerAddress = Infinity } = this.#limits
    const network = networkOf(address)
    const open = this.#open.get(network) ?? 0

    if (this.#ratePerAddress.exceeds(network)) {
      return 'ratePerAddress'
    }

    if (open >= connectionsPerAddress) {
      return 'connectionsPerAddress'
    }

    this.#admitted.add(socket)

    // the `close` of one that is gone may have been; a listener for each socket costs memory
    if (connectionsPerAddress < Infinity && !socket.destroyed) {
      this.#open.set(network, open + 1)
      socket.once('close', () => { this.#release(network) })
    }
  }

  #release (network: string): void {
    const open = (this.#open.get(network) ?? 1) - 1

    if (open === 0) {
      this.#open.delete(network)
    } else {
      this.#open.set(network, open)
    }
  }
}

/** An IPv4 address, or the first 64 bits of an IPv6 one: whoever has one address there has all of them. */
export function networkOf (address: string): string {
  if (!isIPv6(address)) {
    return address
  }

  const [head, tail] = address.split('::').map(part => part === '' ? [] : part.split(':'))
  const zeros = tail == null ? [] : Array.from({ length: 8 - head.length - tail.length }, () => '0')

  return [...head, ...zeros, ...tail ?? []].slice(0, 4).join(':')
}

function check (name: string, limit: number | undefined): void {
  if (limit != null && limit !== Infinity && !(Number.isInteger(limit) && limit >= 1)) {
    throw new InvalidParametersError(`limits.${name}: ${limit} is not a number from 1 on`)
  }
}
