/**
 * How many came in a second, for each key. It has no timer and no clock of its own, and keeps nothing of seconds that are over:
 * the limiter of `@libp2p/utils` does the same with a timer and two dates, which are most of what a check of limits costs.
 */

/** ms. */
const WINDOW = 1_000

export class Rate {
  readonly #limit: number
  readonly #counts = new Map<string, number>()
  #begin = -Infinity

  /** @param limit - in a second, which begins with the first that comes after the last one */
  constructor (limit = Infinity) {
    this.#limit = limit
  }

  /** Count one more, and say whether that is too many. */
  exceeds (key: string, now = performance.now()): boolean {
    if (this.#limit === Infinity) {
      return false
    }

    if (now - this.#begin >= WINDOW) {
      this.#begin = now
      this.#counts.clear()
    }

    const count = (this.#counts.get(key) ?? 0) + 1
    this.#counts.set(key, count)

    return count > this.#limit
  }
}
