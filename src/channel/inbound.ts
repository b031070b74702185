/**
 * The receiving half of a channel on Node: socket reads to payload and control frames, with a pause that holds.
 *
 * A paused channel delivers nothing more, not even from the socket read under way: its rest goes back into the socket, which is
 * not read, so that TCP slows the peer. There it is before the end of the socket, too: held here, it would be lost with that.
 */
import { FrameReader } from './frame-reader.ts'
import { isControl } from './frame.ts'
import { PayloadJoiner } from './payload-joiner.ts'
import type { FrameSink } from './frame-reader.ts'
import type { Socket } from 'node:net'

/** A whole record of TLS, bytes; without TLS a whole read is four times of that. */
const BULK = 16_384

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
  #stopped = false
  /** The next chunk is the rest of one that has been here. */
  #again = false

  /** `head` came with the handshake. */
  constructor (socket: Socket, head: Uint8Array, sink: InboundSink, options: { masked: boolean, joined: boolean, maxMessage: number }) {
    this.#socket = socket
    this.#sink = sink
    this.#joiner = options.joined ? new PayloadJoiner(sink) : undefined
    this.reader = new FrameReader(this.#joiner ?? sink, options.masked, options.maxMessage)
    socket.pause()

    if (head.length > 0) {
      socket.unshift(head)
    }

    socket.on('data', this.#ondata)
  }

  pause (): void {
    if (!this.#stopped) {
      this.paused = true
      this.#socket.pause()
    }
  }

  resume (): void {
    if (this.paused) {
      this.paused = false
      this.#socket.resume()
    }
  }

  /** Understand nothing more, but read on: the peer's flood must not keep our last frames from leaving. */
  stop (): void {
    this.#stopped = true
    this.paused = false
    this.#socket.resume()
  }

  readonly #ondata = (chunk: Uint8Array): void => {
    const fresh = !this.#again
    this.#again = false

    if (fresh) {
      this.lastRead = performance.now()
    }

    if (this.#stopped) {
      return
    }

    if (fresh && chunk.length >= BULK) {
      this.#sink.onbulk()
    }

    this.#read(chunk)
  }

  #read (chunk: Uint8Array): void {
    let offset = 0

    try {
      while (offset < chunk.length && !this.paused && !this.#stopped) {
        offset = this.reader.read(chunk, offset)

        if (this.#joiner != null && this.#endsRun(chunk, offset)) {
          this.#joiner.flush()
        }
      }
    } catch (error: any) {
      this.#joiner?.flush()
      this.stop()
      this.#sink.onreaderror(error)
    }

    if (offset < chunk.length && !this.#stopped) {
      this.#again = true
      this.#socket.unshift(chunk.subarray(offset))
    }
  }

  /** There is no payload behind the offset that could join what is before it: a receiver that pauses holds control frames, too. */
  #endsRun (chunk: Uint8Array, offset: number): boolean {
    return offset >= chunk.length || (this.reader.missing === 0 && isControl(chunk[offset]))
  }
}
