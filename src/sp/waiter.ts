/**
 * A promise that its owner settles, unless a signal or a deadline comes first.
 */
import { AbortError, TimeoutError } from '@libp2p/interface'
import { MAX_DELAY } from '../constants.ts'

export interface WaitOptions {
  /** Ends the wait with an `AbortError`. */
  signal?: AbortSignal

  /** Ends the wait with a `TimeoutError`, ms. */
  timeout?: number
}

export class Waiter<T> {
  readonly promise: Promise<T>
  readonly #what: string
  readonly #signal: AbortSignal | undefined
  readonly #timer: ReturnType<typeof setTimeout> | undefined
  readonly #settle: { resolve (value: T): void, reject (error: Error): void }
  readonly #onabandoned: () => void

  /**
   * @param what - is waited for, as the errors say it
   * @param options - what else ends the wait
   * @param options.signal - with an `AbortError`
   * @param options.timeout - with a `TimeoutError`, ms
   * @param onabandoned - called where signal or deadline came first
   */
  constructor (what: string, { signal, timeout }: WaitOptions, onabandoned: () => void) {
    const { promise, resolve, reject } = Promise.withResolvers<T>()

    this.promise = promise
    this.#what = what
    this.#settle = { resolve, reject }
    this.#signal = signal
    this.#onabandoned = onabandoned

    if (timeout != null && timeout < Infinity) {
      this.#timer = setTimeout(() => { this.#abandon(new TimeoutError(`no ${what} within ${timeout} ms`)) }, Math.min(timeout, MAX_DELAY))
    }

    signal?.addEventListener('abort', this.#onabort)
  }

  resolve (value: T): void {
    this.#release()
    this.#settle.resolve(value)
  }

  reject (error: Error): void {
    this.#release()
    this.#settle.reject(error)
  }

  #abandon (error: Error): void {
    this.reject(error)
    this.#onabandoned()
  }

  readonly #onabort = (): void => {
    this.#abandon(new AbortError(`the wait for a ${this.#what} was aborted`))
  }

  #release (): void {
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onabort)
  }
}

/** Call it before anything is done for what is waited for. */
export function throwIfAborted ({ signal }: WaitOptions): void {
  if (signal?.aborted === true) {
    throw new AbortError('aborted before it began')
  }
}
