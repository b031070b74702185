/**
 * Tells when this browser has been offline for too long. Its WebSockets then wait for a peer that may never answer,
 * and there are no pings to find out.
 */
import { MAX_DELAY } from '../../constants.ts'

export class Offline {
  readonly #timeout: number
  readonly #onexpired: () => void
  #timer: ReturnType<typeof setTimeout> | undefined

  /**
   * @param timeout - how long it may last, ms
   * @param onexpired - called at most once
   */
  constructor (timeout: number, onexpired: () => void) {
    this.#timeout = timeout
    this.#onexpired = onexpired
    // there are no such events in React Native
    globalThis.addEventListener?.('offline', this.#start)
    globalThis.addEventListener?.('online', this.deny)
  }

  /** Something came in, so it is not so. */
  readonly deny = (): void => {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  stop (): void {
    this.deny()
    globalThis.removeEventListener?.('offline', this.#start)
    globalThis.removeEventListener?.('online', this.deny)
  }

  readonly #start = (): void => {
    this.#timer ??= setTimeout(this.#onexpired, Math.min(this.#timeout, MAX_DELAY))
  }
}
