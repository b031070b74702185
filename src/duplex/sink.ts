/** The writing half of a duplex: an iterable into a channel, at the pace of the network. */
import { closeError } from '../channel/close-error.ts'
import { iterate, release } from './iterate.ts'
import type { Source, SourceIterator } from './iterate.ts'
import type { Channel } from '../channel/channel.ts'
import type { Uint8ArrayList } from 'uint8arraylist'

/** What a duplex takes: a string leaves as a text message, in byte mode as its UTF-8 bytes. */
export type Writable = Uint8Array | Uint8ArrayList | string

const encoder = new TextEncoder()

export class ChannelSink {
  readonly #channel: Channel
  /** What to call when the channel is closed, one for each write under way. */
  readonly #writes = new Set<() => void>()
  #drained = Promise.withResolvers<void>()

  constructor (channel: Channel) {
    this.#channel = channel

    channel.ondrain = () => {
      this.#drained.resolve()
      this.#drained = Promise.withResolvers()
    }

    // one handler for all writes: a promise does not forget those who wait for it
    void channel.closed.then(() => { this.#writes.forEach((stop) => { stop() }) })
  }

  /**
   * Send what `source` yields. Resolves when all of it is accepted and the channel can take more, or when the
   * channel has been closed cleanly, which drops the rest; then the source is released.
   *
   * @throws {WebSocketClosedError} the channel ended in another way
   * @throws {Error} what the source throws
   */
  async write (source: Source<Writable>): Promise<void> {
    const iterator = iterate(source)
    const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
    let done = false
    this.#writes.add(stop)

    try {
      // the source may have nothing to say for long, and the close must be noticed all the same
      done = await Promise.race([this.#pump(iterator), stopped.then(() => false)])
    } finally {
      this.#writes.delete(stop)

      if (!done) {
        release(iterator)
      }
    }

    if (this.#channel.status !== 'open') {
      await this.end()
    }
  }

  /**
   * Resolves when the channel has been closed cleanly.
   *
   * @throws {WebSocketClosedError} it ended in another way
   */
  async end (): Promise<void> {
    const error = closeError(await this.#channel.closed)

    if (error != null) {
      throw error
    }
  }

  /** Returns whether the source came to its end. */
  async #pump (iterator: SourceIterator<Writable>): Promise<boolean> {
    while (this.#channel.status === 'open') {
      const { done, value } = await iterator.next()

      if (done === true) {
        return true
      }

      if (this.#channel.status === 'open') {
        this.#send(value)
      }

      if (this.#channel.needsDrain) {
        await this.#drained.promise
      }
    }

    return false
  }

  #send (data: Writable): void {
    if (typeof data === 'string') {
      this.#channel.send(encoder.encode(data), { text: this.#channel.mode === 'messages' })
    } else {
      this.#channel.send(data)
    }
  }
}
