import { invalid } from './invalid.ts'
import type { InvalidMultiaddrError } from '@libp2p/interface'
import type { Component, Multiaddr } from '@multiformats/multiaddr'

/** What to do about components that people put in the wrong place, or that another layer should have taken away. */
const ADVICE = new Map([
  ['dnsaddr', 'stands for other addresses: resolve it first'],
  ['ip6zone', 'stands only at the start, followed by /ip6'],
  ['p2p-circuit', 'is a relayed connection: dial it with the circuit relay transport'],
  ['sni', 'needs /tls directly before it: write /tls/sni/N/ws'],
  ['wss', 'brings its own TLS: write /wss alone, or /tls/ws']
])

/**
 * Reads the components of one multiaddr from left to right, and says what is wrong where they do not fit. It
 * knows them by name: their codes come with all of the multiaddr package, which a bundle of the transport does without.
 */
export class Walk {
  readonly #ma: Multiaddr
  readonly #rest: Component[]

  constructor (ma: Multiaddr) {
    this.#ma = ma
    this.#rest = ma.getComponents()
  }

  /** The next component, if it is one of these. */
  take (...names: string[]): Component | undefined {
    return names.includes(this.#rest[0]?.name) ? this.#rest.shift() : undefined
  }

  /** The value of the next component, if it is this one. */
  takeValue (name: string): string | undefined {
    const component = this.take(name)

    return component == null ? undefined : this.valueOf(component)
  }

  valueOf ({ name, value }: Component): string {
    if (value == null || value === '') {
      throw this.refuse(`/${name} has no value`)
    }

    if (!value.isWellFormed()) {
      throw this.refuse(`/${name}: ${JSON.stringify(value)} is not text`)
    }

    return value
  }

  /** The error for a next component that is not one of those `expected`. */
  unexpected (expected: string): InvalidMultiaddrError {
    if (this.#rest.length === 0) {
      return this.refuse(`ends too early: expected ${expected}`)
    }

    const [{ name }] = this.#rest

    return this.refuse(`/${name} ${ADVICE.get(name) ?? `cannot stand here: expected ${expected}`}`)
  }

  end (): void {
    if (this.#rest.length > 0) {
      throw this.unexpected('the end of the address')
    }
  }

  refuse (reason: string, cause?: unknown): InvalidMultiaddrError {
    return invalid(describe(this.#ma), reason, cause)
  }
}

/** Multiaddrs can be made of components that have no text form. */
function describe (ma: Multiaddr): string {
  try {
    return ma.toString()
  } catch {
    return ma.getComponents().map(({ name }) => `/${name}`).join('')
  }
}
