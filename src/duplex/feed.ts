type Result<T> = IteratorResult<T, undefined>

export interface FeedEvents<T> {
  /** A value that had to wait is taken; never called inside `put`. */
  onTaken(value: T): void
  /** The reader wants no more. */
  onReturn(): void
}

/**
 * An iterator that is fed from outside: values wait for a reader, or readers for a value. Written by hand, because the
 * `return` of an async generator waits for a pending `next`, i.e. for a peer.
 */
export class Feed<T extends {}> implements AsyncGenerator<T, undefined, unknown> {
  readonly #events: FeedEvents<T>
  readonly #values: T[] = []
  readonly #waiting: Array<PromiseWithResolvers<Result<T>>> = []
  #ended = false
  #returned = false
  #error?: Error

  constructor (events: FeedEvents<T>) {
    this.#events = events
  }

  /** Returns whether a reader was waiting for it. */
  put (value: T): boolean {
    const waiting = this.#waiting.shift()

    if (waiting == null) {
      this.#values.push(value)
      return false
    }

    waiting.resolve({ done: false, value })
    return true
  }

  /** Nothing comes after what waits but the end, or an error first; that may follow an end without one. */
  end (error?: Error): void {
    this.#ended = true

    if (!this.#returned) {
      this.#error ??= error
    }

    for (const { resolve } of this.#waiting.splice(0)) {
      resolve(this.#end())
    }
  }

  /** As `end`, but drops what waits. */
  fail (error: Error): void {
    this.#values.length = 0
    this.end(error)
  }

  async next (): Promise<Result<T>> {
    const value = this.#values.shift()

    if (value != null) {
      this.#events.onTaken(value)
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
    this.#values.length = 0
    this.#error = undefined
    this.#returned = true
    this.end()
    this.#events.onReturn()
    return this.#end()
  }

  async throw (error: unknown): Promise<Result<T>> {
    await this.return()
    throw error
  }

  [Symbol.asyncIterator] (): this {
    return this
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.return()
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
