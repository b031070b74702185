/**
 * Keeps a connection: dials, and dials again when it has ended, however that came.
 */
import { raceSignal } from 'race-signal'
import { sleep } from './backoff.ts'
import type { Backoff } from './backoff.ts'

export interface RedialerInit<T> {
  /** The waits between dials. */
  backoff: Backoff
  /** Dials. */
  connect (signal: AbortSignal): Promise<T>
  /** Resolves when a connection has ended, with the error to tell, if any. The signal fires when it is to be kept no longer. */
  ended (connection: T, signal: AbortSignal): Promise<Error | undefined>
  /** A connection was a success, however soon it ended. */
  useful? (connection: T): boolean
  /** It is there, for the first time or again. */
  onconnected? (connection: T): void
  /** It was lost, or could not be had; it is tried again. */
  onlost? (error: Error): void
}

export class Redialer<T> {
  readonly #init: RedialerInit<T>
  readonly #stop = new AbortController()
  /** Of those who wait for a connection; a new one for each connection. */
  #connected = Promise.withResolvers<T>()
  #kept: Promise<void> | undefined

  constructor (init: RedialerInit<T>) {
    this.#init = init
  }

  /**
   * Make the first connection, and keep one from then on.
   *
   * @throws {Error} the first dial failed; nothing is kept
   */
  async start (signal?: AbortSignal): Promise<void> {
    const { signal: stopped } = this.#stop
    const connection = await this.#open(signal == null ? stopped : AbortSignal.any([signal, stopped]))

    this.#kept = this.#keep(connection)
  }

  /** Keep a connection, from the first dial on. */
  startInBackground (): void {
    this.#kept = this.#keep()
  }

  /**
   * The connection, or the next one.
   *
   * @throws {Error} the reason of the signal
   */
  async connection (signal: AbortSignal): Promise<T> {
    return raceSignal(this.#connected.promise, signal, { translateError: () => signal.reason })
  }

  /** Keep no connection any more. Resolves when `ended` has for the one that is there. */
  async close (): Promise<void> {
    this.#stop.abort()
    await this.#kept
  }

  async #open (signal: AbortSignal): Promise<T> {
    const connection = await this.#init.connect(signal)

    // where this throws the connection is not had
    this.#init.onconnected?.(connection)
    this.#connected.resolve(connection)

    return connection
  }

  async #keep (first?: T): Promise<void> {
    const { signal } = this.#stop

    for (let connection = first; !signal.aborted; connection = undefined) {
      const error = await this.#outlive(connection, signal).catch(error => error)

      if (error != null && !signal.aborted) {
        this.#init.onlost?.(error)
      }

      await sleep(this.#init.backoff.next(), signal)
    }
  }

  /** One that takes connections only to end them is left alone for longer. */
  async #outlive (kept: T | undefined, signal: AbortSignal): Promise<Error | undefined> {
    const { backoff, ended, useful } = this.#init
    const connection = kept ?? await this.#open(signal)
    const since = performance.now()
    const error = await ended(connection, signal)

    this.#connected = Promise.withResolvers()

    if (useful?.(connection) === true || performance.now() - since > backoff.bound) {
      backoff.reset()
    }

    return error
  }
}
