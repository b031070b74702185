/**
 * The sending half of a channel on Node: frames, batches, and water marks over a socket.
 *
 * A write to an idle socket leaves at once, and what is sent until Node has confirmed it leaves together, in byte mode in as
 * few messages as there can be. Node confirms what the system takes at the end of the same tick, so nothing waits for a
 * timer: the peer wakes up while the rest of an answer is still computed, and batches grow when the socket is slow. Only what is
 * sent while the peer fills read after read waits for the next ones, at most until the end of the turn.
 */
import { MAX_OUTBOUND_MESSAGE } from '../constants.ts'
import { FrameWriter, recycle } from './frame-writer.ts'
import { Opcode } from './frame.ts'
import { PayloadQueue } from './payload-queue.ts'
import { unwritten } from './unwritten.ts'
import type { Batch } from './frame-writer.ts'
import type { Socket } from 'node:net'

/** More unwritten pongs than this, and only the latest ping is answered. */
const MAX_PONGS = 16

/** Large reads whose answers leave together. With more, a round trip beside them would take longer. */
const READS_TOGETHER = 4

const EMPTY = new Uint8Array(0)

export interface OutboundSink {
  /** The low water mark is reached after `send` returned false. */
  ondrained(): void
}

export interface OutboundOptions {
  /** Whether frames are masked (true on clients). */
  masked: boolean
  /** Byte mode: message boundaries mean nothing. */
  batched: boolean
  /** Bytes of one frame of a message. */
  maxFrame?: number
  /** Bytes. */
  highWaterMark: number
  /** Bytes. */
  lowWaterMark: number
}

export class Outbound {
  /** `ondrain` is due. */
  needsDrain = false
  /** All payload from before the Close frame has reached the operating system. */
  complete = false

  readonly #socket: Socket
  readonly #batched: boolean
  readonly #highWaterMark: number
  readonly #lowWaterMark: number
  readonly #sink: OutboundSink
  /** Byte mode: payload that is not in a frame yet. */
  readonly #payload = new PayloadQueue()
  /** Frames ready to be written. */
  readonly #frames: FrameWriter
  /**
   * Writes that Node has not confirmed, oldest first. Until then they count as unsent, even where the system took them at
   * once.
   */
  readonly #writes: Batch[] = []
  /** Bytes of them. */
  #writing = 0
  #closing = false
  /** Large reads in this turn. */
  #gathered = 0
  #failed = false
  #pongs = 0
  #latestPing: Uint8Array | undefined

  constructor (socket: Socket, sink: OutboundSink, options: OutboundOptions) {
    this.#socket = socket
    this.#sink = sink
    this.#frames = new FrameWriter(options.masked, options.maxFrame)
    this.#batched = options.batched
    this.#highWaterMark = options.highWaterMark
    this.#lowWaterMark = options.lowWaterMark
  }

  /** Bytes that have not reached the operating system. */
  get size (): number {
    return this.#waiting + this.#writing
  }

  /** Bytes that have not been written. */
  get #waiting (): number {
    return this.#payload.size + this.#frames.size
  }

  /** Bytes of the write under way that have not reached the operating system. */
  get unwritten (): number {
    return unwritten(this.#socket)
  }

  /** Queue `parts` of `size` bytes together; false from the high water mark on. */
  send (parts: Iterable<Uint8Array>, size: number, opcode: number): boolean {
    if (this.#batched) {
      if (size === 0) {
        return !this.needsDrain
      }

      this.#payload.add(parts, size)
    } else {
      this.#frames.message(opcode, [...parts], size)
    }

    if ((this.#writing === 0 && this.#gathered === 0) || this.#waiting >= MAX_OUTBOUND_MESSAGE) {
      this.#flushSome()
    }

    this.needsDrain ||= this.size >= this.#highWaterMark

    return !this.needsDrain
  }

  /**
   * The peer sends much, and this read is one of several: what is sent meanwhile, such as window updates of a muxer, leaves
   * with that of the next reads, at the end of the turn at the latest.
   */
  gather (): void {
    if (this.#gathered++ === 0) {
      setImmediate(Outbound.#ongathered, this)
    } else if (this.#gathered % READS_TOGETHER === 0) {
      this.#flushSome()
    }
  }

  /** Send a ping, behind all payload. */
  ping (): void {
    this.#control(Opcode.PING, EMPTY)
  }

  /**
   * Answer a ping, or none. While many answers are unwritten only the latest ping gets one, so that a peer that pings and never
   * reads holds no memory (RFC 6455 section 5.5.3).
   */
  pong (payload: Uint8Array = EMPTY): void {
    if (this.#pongs < MAX_PONGS) {
      this.#pongs++
      this.#control(Opcode.PONG, payload, (error) => { this.#onpong(error) })
    } else {
      this.#latestPing = payload.slice()
    }
  }

  /** Send the Close frame, behind all payload; nothing follows it. */
  close (payload: Uint8Array): void {
    this.complete = this.size === 0
    this.#closing = true
    this.#control(Opcode.CLOSE, payload)
  }

  /** Drop what has not been written; the socket is ended. */
  discard (): void {
    this.#payload.discard()
    this.#frames.discard()
    this.#writes.length = 0
    this.#writing = 0
  }

  /**
   * A write has failed, and nothing can be written any more. What is written to a peer that has gone is for nobody, whether the
   * system takes it or knows already: it counts as sent where that peer had said that it closes.
   */
  fail (atOnce: boolean): void {
    this.complete ||= atOnce && this.#waiting === 0
    this.#failed = true
    this.discard()
  }

  /** Leave payload unframed while the socket is busy. */
  #flushSome (): void {
    if (this.#writing <= this.#lowWaterMark) {
      this.#payload.moveTo(this.#frames)
      this.#write(this.#onwritten)
    }
  }

  #control (opcode: number, payload: Uint8Array, onwritten = this.#onwritten): void {
    this.#payload.moveTo(this.#frames)
    this.#frames.frame(opcode, [payload], payload.length)
    this.#write(onwritten)
  }

  static #ongathered (outbound: Outbound): void {
    outbound.#gathered = 0
    outbound.#flushSome()
  }

  #onpong (error?: Error | null): void {
    const payload = this.#latestPing
    this.#pongs--
    this.#onwritten(error)

    if (payload != null && error == null && !this.#closing) {
      this.#latestPing = undefined
      this.pong(payload)
    }
  }

  readonly #onwritten = (error?: Error | null): void => {
    const write = this.#writes.shift()

    if (error != null || write == null) {
      return
    }

    this.#writing -= write.size
    recycle(write)

    if (this.#waiting > 0 && this.#gathered === 0) {
      this.#flushSome()
    }

    this.complete ||= this.#closing && this.size === 0

    if (this.needsDrain && this.size <= this.#lowWaterMark) {
      setImmediate(Outbound.#ondrained, this)
    }
  }

  /**
   * A turn of its own: a writer that is told within the tick that its write has ended, by a system that takes all it gets, would
   * never let this process read, not even what the peer says about the room that it has.
   */
  static #ondrained (outbound: Outbound): void {
    if (outbound.needsDrain && outbound.size <= outbound.#lowWaterMark) {
      outbound.needsDrain = false
      outbound.#sink.ondrained()
    }
  }

  #write (onwritten: (error?: Error | null) => void): void {
    if (this.#frames.size === 0 || this.#failed || this.#socket.destroyed) {
      return
    }

    const batch = this.#frames.take()
    const last = batch.buffers.length - 1

    this.#writes.push(batch)
    this.#writing += batch.size
    // one `writev`
    this.#socket.cork()

    for (let i = 0; i < last; i++) {
      this.#socket.write(batch.buffers[i])
    }

    this.#socket.write(batch.buffers[last], onwritten)
    this.#socket.uncork()
  }
}
