/**
 * The sending half of a channel in a browser: batches and water marks above the browser's own queue.
 *
 * In byte mode what is sent in one turn of the event loop leaves as one message. Nothing waits here longer than that: a
 * browser that is fed only when it is asked how much it has left runs dry in between.
 */
import { InvalidParametersError } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { MAX_OUTBOUND_MESSAGE } from '../../constants.ts'
import { NextTask } from './next-task.ts'
import type { BrowserSocket } from './socket.ts'

/** A part of so many bytes is a message of its own: to copy it would cost more than a message. */
const LARGE = 32_768

export interface OutboundOptions {
  /** Byte mode: message boundaries mean nothing. */
  batched: boolean
  /** Bytes. */
  highWaterMark: number
  /** Bytes. */
  lowWaterMark: number
}

export class BrowserOutbound {
  /** `ondrained` is due. */
  needsDrain = false

  readonly #socket: BrowserSocket
  readonly #options: OutboundOptions
  readonly #ondrained: () => void
  /** Byte mode: what is not in a message yet. */
  readonly #waiting = new Uint8ArrayList()
  readonly #flush = new NextTask(() => { this.flush() })

  constructor (socket: BrowserSocket, options: OutboundOptions, ondrained: () => void) {
    this.#socket = socket
    this.#options = options
    this.#ondrained = ondrained
  }

  /** Bytes that have not left this page. */
  get size (): number {
    return this.#waiting.byteLength + this.#socket.unsent
  }

  /**
   * Queue one message, or bytes; false from the high water mark on.
   *
   * @throws {InvalidParametersError} what is no text; nothing was queued
   */
  send (data: Uint8Array | Uint8ArrayList, text: boolean): boolean {
    if (this.#options.batched) {
      this.#batch(data)
    } else {
      this.#socket.write(text ? decode(data.subarray()) : data.subarray() as Uint8Array<ArrayBuffer>)
    }

    this.needsDrain ||= this.size >= this.#options.highWaterMark

    if (this.needsDrain) {
      this.#socket.notify(this.#options.lowWaterMark)
    }

    return !this.needsDrain
  }

  /** Give everything to the browser. */
  flush (): void {
    while (this.#waiting.byteLength > 0) {
      const [first] = this.#waiting
      const size = Math.min(first.length >= LARGE ? first.length : this.#waiting.byteLength, MAX_OUTBOUND_MESSAGE)

      this.#socket.write(this.#waiting.subarray(0, size) as Uint8Array<ArrayBuffer>)
      this.#waiting.consume(size)
    }
  }

  /** No more than the low water mark is on its way in the browser. */
  onwritable (): void {
    if (!this.needsDrain) {
      return
    }

    // what waits is more than the mark, perhaps: asked again at once, the browser would answer at once, for ever
    this.flush()

    if (this.size > this.#options.lowWaterMark) {
      this.#socket.notify(this.#options.lowWaterMark)
    } else {
      this.needsDrain = false
      this.#ondrained()
    }
  }

  /** Drop what the browser does not have yet. */
  discard (): void {
    this.#flush.stop()
    this.#waiting.consume(this.#waiting.byteLength)
  }

  #batch (data: Uint8Array | Uint8ArrayList): void {
    this.#waiting.append(data)

    if (this.#waiting.byteLength >= MAX_OUTBOUND_MESSAGE) {
      this.flush()
    } else {
      this.#flush.schedule()
    }
  }
}

/** Browsers send text from strings only. */
function decode (data: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data)
  } catch {
    throw new InvalidParametersError('a text message must be UTF-8')
  }
}
