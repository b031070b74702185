/**
 * The receiving half of a channel on Node: socket reads to payload and control frames, with a pause that holds.
 *
 * A paused channel delivers nothing more, not even from the socket read under way: its rest is held, and the
 * socket is not read, so that TCP slows the peer.
 */
import { FrameReader } from './frame-reader.ts'
import { isControl } from './frame.ts'
import { PayloadJoiner } from './payload-joiner.ts'
import type { FrameSink } from './frame-reader.ts'
import type { Socket } from 'node:net'

/** A whole record of TLS, bytes; without TLS a whole read is four times of that. */
const BULK = 16_384

const EMPTY = new Uint8Array(0)

export interface InboundSink extends FrameSink {
  /** A read came in that is so large that more is behind it. */
  onbulk(): void
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
  readonly #joiner: PayloadJoiner | undefined
  #held: Uint8Array
  #offset = 0
  #reading = false
  #stopped = false

  /** `head` came with the handshake. */
  constructor (socket: Socket, head: Uint8Array, sink: InboundSink, options: { masked: boolean, joined: boolean, maxMessage: number }) {
    this.#socket = socket
    this.#held = head.length === 0 ? EMPTY : head
    this.#sink = sink
    this.#joiner = options.joined ? new PayloadJoiner(sink) : undefined
    this.reader = new FrameReader(this.#joiner ?? sink, options.masked, options.maxMessage)
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
      if (chunk.length >= BULK) {
        this.#sink.onbulk()
      }

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

        if (this.#joiner != null && this.#endsRun()) {
          this.#joiner.flush()
        }
      }
    } catch (error: any) {
      this.#joiner?.flush()
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

  /** There is no payload behind the offset that could join what is before it: a receiver that pauses holds control frames, too. */
  #endsRun (): boolean {
    return this.#offset >= this.#held.length || (this.reader.missing === 0 && isControl(this.#held[this.#offset]))
  }
}
