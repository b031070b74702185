type Result<T> = IteratorResult<T, undefined>

export interface HandoverEvents {
  /** A value that had to wait is taken; never called inside `put`. */
  onTaken(): void
  /** The taking side wants no more. */
  onReturn(): void
}

/**
 * A hand-over with room for one value: one side puts it down, the other, an async iterator, takes it away.
 */
export class Handover<T extends {}> implements AsyncIterableIterator<T, undefined> {
  readonly #events: HandoverEvents
  readonly #waiting: Array<PromiseWithResolvers<Result<T>>> = []
  #value?: T
  #ended = false
  #error?: Error

  constructor (events: HandoverEvents) {
    this.#events = events
  }

  /** Returns whether there is room for another value; without room this must not be called. */
  put (value: T): boolean {
    const waiting = this.#waiting.shift()

    if (waiting != null) {
      waiting.resolve({ done: false, value })
      return true
    }

    this.#value = value
    return false
  }

  /**
   * Nothing more comes. An error is thrown to the taking side, and takes the place of a value that waits; it may
   * follow an end without one.
   */
  end (error?: Error): void {
    this.#ended = true

    if (error != null) {
      this.#error = error
      this.#value = undefined
    }

    for (const { resolve } of this.#waiting.splice(0)) {
      resolve(this.#end())
    }
  }

  async next (): Promise<Result<T>> {
    const value = this.#value

    if (value != null) {
      this.#value = undefined
      this.#events.onTaken()
      return { done: false, value }
    }

    if (this.#ended) {
      return this.#end()
    }

    const waiting = Promise.withResolvers<Result<T>>()
    this.#waiting.push(waiting)
    return waiting.promise
  }

  async return (): Promise<Result<T>> {
    this.#value = undefined
    this.end()
    this.#error = undefined
    this.#events.onReturn()
    return this.#end()
  }

  [Symbol.asyncIterator] (): this {
    return this
  }

  /** As a generator does: the error once, the end from then on. */
  async #end (): Promise<Result<T>> {
    const error = this.#error
    this.#error = undefined

    if (error != null) {
      throw error
    }

    return { done: true, value: undefined }
  }
}
