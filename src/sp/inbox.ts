/**
 * What was received and not taken yet, and whoever waits for it. It has a limit, and leaves to its owner what that means:
 * to stop reading, or to drop.
 */
import { Queue } from './queue.ts'
import { Waiter, throwIfAborted } from './waiter.ts'
import type { WaitOptions } from './waiter.ts'

export class Inbox<T> {
  readonly #limit: number
  readonly #onroom: () => void
  readonly #values = new Queue<T>()
  readonly #waiters = new Queue<Waiter<T>>()
  #closed: Error | undefined

  /**
   * @param limit - values that may wait
   * @param onroom - called when half of it is free
   */
  constructor (limit: number, onroom: () => void = () => {}) {
    this.#limit = limit
    this.#onroom = onroom
  }

  get full (): boolean {
    return this.#values.length >= this.#limit && this.#waiters.length === 0
  }

  /** Takes it in any case. */
  push (value: T): void {
    const waiter = this.#waiters.shift()

    if (waiter != null) {
      waiter.resolve(value)
    } else if (this.#closed == null) {
      this.#values.push(value)
    }
  }

  dropOldest (): void {
    this.#values.shift()
  }

  /** @throws {Error} what it was closed with, `AbortError`, `TimeoutError` */
  async take (options: WaitOptions = {}): Promise<T> {
    throwIfAborted(options)

    if (this.#values.length > 0) {
      const value = this.#values.shift() as T

      if (this.#values.length <= this.#limit >> 1) {
        this.#onroom()
      }

      return value
    }

    if (this.#closed != null) {
      throw this.#closed
    }

    const waiter: Waiter<T> = new Waiter<T>('message', options, () => { this.#waiters.delete(waiter) })
    this.#waiters.push(waiter)
    this.#onroom()

    return waiter.promise
  }

  /** What was not taken is still there, or gone with `discard`; then whoever takes gets `error`. */
  close (error: Error, discard: boolean): void {
    this.#closed = error
    this.#waiters.clear().forEach(waiter => { waiter.reject(error) })

    if (discard) {
      this.#values.clear()
    }
  }
}
