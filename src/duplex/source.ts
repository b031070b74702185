/** The reading half of a duplex: a channel's messages as an async iterator, at the pace of whoever iterates. */
import { closeError } from '../channel/close-error.ts'
import { MAX_INBOUND_MESSAGE } from '../constants.ts'
import { WebSocketClosedError } from '../errors.ts'
import type { Channel, ChannelClose } from '../channel/channel.ts'

/**
 * Unread bytes from which on the channel is paused. One socket read: less would pause for every small message,
 * more would only move bytes from the socket's buffer to ours.
 */
const READ_AHEAD = 65_536

/** What a queued message costs beside its bytes, so that empty messages cannot pile up either. */
const MESSAGE_OVERHEAD = 128

/** Unread bytes kept while this end closes: the memory of one peer. */
const CLOSING_LIMIT = MAX_INBOUND_MESSAGE

const TRUNCATED = `this end closed with ${CLOSING_LIMIT} bytes unread; what came after them was dropped`

type Result = IteratorResult<Uint8Array, undefined>

/**
 * Written by hand, because the `return` of an async generator waits for a pending `next`, i.e. for the peer.
 */
export class ChannelSource implements AsyncGenerator<Uint8Array, undefined, unknown> {
  readonly #channel: Channel
  readonly #queue: Uint8Array[] = []
  readonly #waiting: Array<PromiseWithResolvers<Result>> = []
  #queued = 0
  #paused = false
  #closing = false
  #truncated = false
  #ended = false
  #error?: Error

  constructor (channel: Channel) {
    this.#channel = channel
    // from the start, so that a close is seen by those who only write; the queue keeps what comes before `next`
    channel.onmessage = (data) => { this.#onMessage(data) }
    void channel.closed.then((close) => { this.#onClose(close) })
  }

  async next (): Promise<Result> {
    const value = this.#queue.shift()

    if (value != null) {
      this.#onTaken(value)
      return { done: false, value }
    }

    if (this.#ended) {
      return this.#end()
    }

    const waiting = Promise.withResolvers<Result>()
    this.#waiting.push(waiting)
    return waiting.promise
  }

  /** Stop reading: what is queued and what is yet to come is dropped, the channel stays as it is. */
  async return (): Promise<Result> {
    this.#channel.onmessage = () => {}
    this.#queue.length = 0
    this.#ended = true
    this.#error = undefined
    this.#resume()
    this.#settle()

    return { done: true, value: undefined }
  }

  async throw (error: unknown): Promise<Result> {
    await this.return()
    throw error
  }

  [Symbol.asyncIterator] (): this {
    return this
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.return()
  }

  /**
   * To be called before this end closes the channel. A channel that is paused drops what arrives while it closes;
   * from now on it is kept instead, up to a limit.
   */
  keepOnClose (): void {
    this.#closing = true
    this.#resume()
  }

  #onMessage (data: Uint8Array): void {
    const waiting = this.#waiting.shift()

    if (waiting != null) {
      waiting.resolve({ done: false, value: data })
      return
    }

    const closing = this.#closing || this.#channel.status !== 'open'
    this.#truncated ||= closing && this.#queued >= CLOSING_LIMIT

    if (this.#truncated) {
      return
    }

    this.#queue.push(data)
    this.#queued += data.byteLength + MESSAGE_OVERHEAD

    if (this.#queued >= READ_AHEAD && !closing && !this.#paused) {
      this.#paused = true
      this.#channel.pause()
    }
  }

  #onTaken (data: Uint8Array): void {
    this.#queued -= data.byteLength + MESSAGE_OVERHEAD

    if (this.#queue.length === 0) {
      this.#resume()
    }
  }

  #resume (): void {
    if (this.#paused) {
      this.#paused = false
      this.#channel.resume()
    }
  }

  #onClose (close: ChannelClose): void {
    if (!this.#ended) {
      this.#ended = true
      this.#error = this.#truncated ? new WebSocketClosedError(close, new Error(TRUNCATED)) : closeError(close)
      this.#settle()
    }
  }

  #settle (): void {
    for (const { resolve } of this.#waiting.splice(0)) {
      resolve(this.#end())
    }
  }

  /** As a generator does: the error once, the end from then on. */
  async #end (): Promise<Result> {
    const error = this.#error
    this.#error = undefined

    if (error != null) {
      throw error
    }

    return { done: true, value: undefined }
  }
}
