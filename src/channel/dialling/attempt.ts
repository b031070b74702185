/**
 * One dial under way: where it is, what it holds open, and the one error that it ends with.
 */
import { AbortError, TimeoutError } from '@libp2p/interface'
import { formatAddress } from '../../address/index.ts'
import { HANDSHAKE_TIMEOUT, MAX_DELAY } from '../../constants.ts'
import { DialFailedError } from '../../errors.ts'
import { remedyForFailure, remedyForTimeout } from './remedy.ts'
import type { DialOptions } from './options.ts'
import type { Address } from '../../address/index.ts'
import type { DialStage } from '../../errors.ts'

export class Attempt {
  stage: DialStage = 'connect'
  /** Where the server redirected to. */
  redirected: Address | undefined
  /** The proxy that is dialled through, without its password. */
  proxy: string | undefined
  /** Nothing may be opened any more. */
  over = false

  readonly #address: Address
  readonly #options: DialOptions
  readonly #timeout: number
  readonly #held = new Set<{ destroy(): unknown }>()
  #reject: (error: Error) => void = () => {}

  constructor (address: Address, options: DialOptions) {
    this.#address = address
    this.#options = options
    this.#timeout = options.handshakeTimeout ?? HANDSHAKE_TIMEOUT
  }

  /**
   * Do `work` within the time and as long as the signal allows; unless it succeeds, everything that it held is destroyed.
   *
   * @throws {AbortError} the signal fired
   * @throws {TimeoutError} not done in time
   * @throws {Error} what `work` threw
   */
  async run<T> (work: () => Promise<T>): Promise<T> {
    const { signal } = this.#options

    if (signal?.aborted === true) {
      throw new AbortError(`Dial of ${this.#name} aborted`)
    }

    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const timer = setTimeout(this.#ontimeout, Math.min(this.#timeout, MAX_DELAY))
    signal?.addEventListener('abort', this.#onabort)
    this.#reject = reject
    work().then(resolve, reject)

    try {
      return await promise
    } catch (error) {
      this.over = true
      this.#held.forEach(held => { held.destroy() })
      throw error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', this.#onabort)
    }
  }

  enter (stage: DialStage): void {
    this.stage = stage

    try {
      this.#options.onProgress?.(stage)
    } catch (error: any) {
      // this runs in events of sockets
      this.#reject(error)
    }
  }

  /** Destroy this with the attempt, even if that is over already. */
  hold<T extends { destroy(): unknown }> (held: T): T {
    this.#held.add(held)

    if (this.over) {
      held.destroy()
    }

    return held
  }

  /** Something else answers for it from now on. */
  release (held: { destroy(): unknown }): void {
    this.#held.delete(held)
  }

  /** End the attempt: `cause` is what went wrong in its stage. A listener for errors. */
  readonly fail = (cause: Error): void => {
    const { stage, proxy } = this

    this.#reject(new DialFailedError(this.#name, stage, cause, { proxy, remedy: remedyForFailure(stage, cause, proxy), target: this.#target }))
  }

  readonly #onabort = (): void => {
    this.#reject(new AbortError(`Dial of ${this.#target} aborted while in stage ${this.stage}`))
  }

  readonly #ontimeout = (): void => {
    const { stage, proxy } = this

    this.#reject(new TimeoutError(`Could not dial ${this.#target}: ${stage} not done within ${this.#timeout} ms. ${remedyForTimeout(stage, proxy)}`))
  }

  /** Only errors need it, and it takes as long as parsing the address. */
  get #name (): string {
    return formatAddress(this.#address).toString()
  }

  /** For messages: the address, and how the dial came to be where it is. */
  get #target (): string {
    return [
      this.#name,
      this.redirected == null ? '' : `, redirected to ${formatAddress(this.redirected)}`,
      this.proxy == null ? '' : `, through ${this.proxy}`
    ].join('')
  }
}
