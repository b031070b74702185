/**
 * First in, first out, however many: an array moves all the others with each `shift` once they are some ten thousand.
 */

/** From this many empty places on they may be given back. */
const MIN_SPARE = 1_024

export class Queue<T> {
  #values: Array<T | undefined> = []
  /** Places before this are empty. */
  #head = 0

  get length (): number {
    return this.#values.length - this.#head
  }

  /** The one behind `index` others. */
  at (index: number): T | undefined {
    return this.#values[this.#head + index]
  }

  push (value: T): void {
    this.#values.push(value)
  }

  shift (): T | undefined {
    if (this.length === 0) {
      return undefined
    }

    const value = this.#values[this.#head]
    this.#values[this.#head++] = undefined

    if (this.#head >= MIN_SPARE && this.#head > this.length) {
      this.#values.splice(0, this.#head)
      this.#head = 0
    }

    return value
  }

  /** Take it out of turn; what waits longest leaves fastest. */
  delete (value: T): void {
    const index = this.#values.indexOf(value, this.#head)

    if (index === this.#head) {
      this.shift()
    } else if (index > 0) {
      this.#values.splice(index, 1)
    }
  }

  /** All that is left, and nothing is left here. */
  clear (): T[] {
    const values = this.#values.slice(this.#head) as T[]
    this.#values = []
    this.#head = 0

    return values
  }
}
