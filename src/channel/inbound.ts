/**
 * The receiving half of a channel on Node: socket reads to payload and control frames, with a pause that holds.
 *
 * A paused channel delivers nothing more, not even from the socket read under way: its rest is held, and the
 * socket is not read, so that TCP slows the peer.
 */
import { FrameReader } from './frame-reader.ts'
import type { FrameSink } from './frame-reader.ts'
import type { Socket } from 'node:net'

const EMPTY = new Uint8Array(0)

export interface InboundSink extends FrameSink {
  /** Receives what `FrameReader.read` threw; nothing is read after it. */
  onreaderror(error: Error): void
}

export class Inbound {
  /** When something came in last, by `performance.now()`. */
  lastRead = 0
  /** Paused until somebody listens. */
  paused = true

  readonly reader: FrameReader
  readonly #socket: Socket
  readonly #sink: InboundSink
  #held: Uint8Array
  #offset = 0
  #reading = false
  #stopped = false

  /** `head` came with the handshake. */
  constructor (socket: Socket, head: Uint8Array, sink: InboundSink, options: { masked: boolean, maxMessage: number }) {
    this.#socket = socket
    this.#held = head.length === 0 ? EMPTY : head
    this.#sink = sink
    this.reader = new FrameReader(sink, options.masked, options.maxMessage)
    socket.pause()
    socket.on('data', this.#ondata)
  }

  pause (): void {
    if (!this.#stopped) {
      this.paused = true
      this.#socket.pause()
    }
  }

  resume (): void {
    if (!this.paused) {
      return
    }

    this.paused = false
    this.#readHeld()

    // what was held may have paused again
    if (!this.paused) {
      this.#socket.resume()
    }
  }

  /** Understand nothing more, but read on: the peer's flood must not keep our last frames from leaving. */
  stop (): void {
    this.#stopped = true
    this.paused = false
    this.#held = EMPTY
    this.#socket.resume()
  }

  readonly #ondata = (chunk: Uint8Array): void => {
    this.lastRead = performance.now()

    if (!this.#stopped) {
      this.#held = chunk
      this.#offset = 0
      this.#readHeld()
    }
  }

  #readHeld (): void {
    // a receiver that pauses and resumes while it is called must not start a second loop
    if (this.#reading) {
      return
    }

    this.#reading = true

    try {
      while (!this.paused && this.#offset < this.#held.length) {
        this.#offset = this.reader.read(this.#held, this.#offset)
      }
    } catch (error: any) {
      this.stop()
      this.#sink.onreaderror(error)
    } finally {
      this.#reading = false
    }

    if (this.#offset >= this.#held.length) {
      // a held chunk is 64 KiB of memory
      this.#held = EMPTY
      this.#offset = 0
    }
  }
}
