import type { ByteDuplex } from '../../src/duplex/index.ts'

type Result = IteratorResult<Uint8Array, undefined>

/** A duplex whose other end is the test: it takes and gives one value at a time, and records what is done to it. */
export class TestDuplex implements ByteDuplex {
  readonly source: AsyncIterable<Uint8Array>
  readonly sink: ByteDuplex['sink']
  /** How many values the source was asked for and has given. */
  asked = 0
  released = false
  closed = false
  destroyed: Error | undefined

  readonly #gifts: Array<{ result: Promise<Result>, taken(): void }> = []
  readonly #sinkDone = Promise.withResolvers<void>()
  #outbound: AsyncIterator<Uint8Array> | undefined
  #asking: (() => void) | undefined

  constructor () {
    this.sink = async (source) => {
      this.#outbound = source[Symbol.asyncIterator]()
      await this.#sinkDone.promise
    }
    this.source = {
      [Symbol.asyncIterator]: () => ({
        next: async () => this.#next(),
        return: async () => {
          this.released = true
          return { done: true, value: undefined }
        }
      })
    }
  }

  async close (): Promise<void> {
    this.closed = true
  }

  destroy (error?: Error): void {
    this.destroyed = error
  }

  /** The next value given to the sink. */
  async take (): Promise<Uint8Array> {
    const { value, done } = await this.#outbound!.next()

    if (done === true) {
      throw new Error('the sink was given the end')
    }

    return value
  }

  /** Resolves when the sink has been given the end, and is done. */
  async takeEnd (): Promise<void> {
    const { done } = await this.#outbound!.next()

    if (done !== true) {
      throw new Error('the sink was given a value')
    }

    this.#sinkDone.resolve()
  }

  /** The sink takes no more. */
  async stopTaking (): Promise<void> {
    await this.#outbound!.return?.()
    this.#sinkDone.resolve()
  }

  /** Resolves when the source has been asked for this value, and what that led to has happened. */
  async give (value: Uint8Array): Promise<void> {
    return this.#give(Promise.resolve({ done: false, value }))
  }

  async giveEnd (): Promise<void> {
    return this.#give(Promise.resolve({ done: true, value: undefined }))
  }

  async giveError (error: Error): Promise<void> {
    return this.#give(Promise.reject(error))
  }

  async #give (result: Promise<Result>): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#gifts.push({ result, taken: resolve })
      this.#asking?.()
    })
    await new Promise((resolve) => { setTimeout(resolve) })
  }

  async #next (): Promise<Result> {
    if (this.#gifts.length === 0) {
      await new Promise<void>((resolve) => { this.#asking = resolve })
    }

    const { result, taken } = this.#gifts.shift()!
    this.asked++
    taken()

    return result
  }
}
