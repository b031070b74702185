/**
 * When to dial again what was lost.
 */
import { MAX_DELAY } from './constants.ts'

/** How long to wait before each dial, ms: random, so that the peers of a restarted listener do not come all at once. */
export class Backoff {
  readonly #min: number
  readonly #max: number
  readonly #random: () => number
  #bound: number

  /** From 0 to `min`, which doubles up to `max` where that is larger. */
  constructor (min: number, max: number, random: () => number = Math.random) {
    this.#min = min
    this.#max = Math.max(min, max)
    this.#random = random
    this.#bound = min
  }

  /** The next wait is no longer than this, ms. */
  get bound (): number {
    return this.#bound
  }

  next (): number {
    const delay = this.#random() * this.#bound
    this.#bound = Math.min(this.#bound * 2, this.#max)

    return delay
  }

  reset (): void {
    this.#bound = this.#min
  }
}

/** Resolves after `ms`, or when the signal fires. */
export async function sleep (ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) {
    return
  }

  await new Promise<void>(resolve => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, Math.min(ms, MAX_DELAY))

    signal.addEventListener('abort', done)
  })
}
