/**
 * Turns payload into frames, and frames into as few writes as pay off. The mirror of FrameReader; it holds what is to be
 * written, and has no socket.
 */
import { giveBack, isPooled, takeFrame } from './frame-pool.ts'
import { headerLength, Opcode, writeHeader } from './frame.ts'
import { mask, maskingKey } from './mask.ts'

/** Below this average size parts are copied into one buffer; from it on, a `writev` of the parts is cheaper. */
const GATHER_BELOW = 4_096

const NONE: Uint8Array[] = []

/** Frames that are written together. */
export interface Batch {
  readonly buffers: Uint8Array[]
  /** Bytes. */
  readonly size: number
  /** Those of the buffers that go back to the pool once they are written. */
  readonly pooled: Uint8Array[]
}

export class FrameWriter {
  /** Bytes of the frames that wait. */
  size = 0
  readonly #masked: boolean
  readonly #maxFrame: number
  #buffers: Uint8Array[] = []
  #pooled: Uint8Array[] = NONE

  /** `masked` on clients; messages with more than `maxFrame` bytes are fragmented. */
  constructor (masked: boolean, maxFrame: number = Infinity) {
    this.#masked = masked
    this.#maxFrame = maxFrame > 0 ? maxFrame : Infinity
  }

  /** Add a message with `size` bytes of payload, in as few frames as `maxFrame` allows (RFC 6455 section 5.4). */
  message (opcode: number, parts: Uint8Array[], size: number): void {
    if (size <= this.#maxFrame) {
      this.frame(opcode, parts, size)
      return
    }

    let fragment: Uint8Array[] = []
    let room = this.#maxFrame

    for (let part of parts) {
      while (part.length > room) {
        fragment.push(part.subarray(0, room))
        this.frame(opcode, fragment, this.#maxFrame, false)
        opcode = Opcode.CONTINUATION
        part = part.subarray(room)
        fragment = []
        room = this.#maxFrame
      }

      fragment.push(part)
      room -= part.length
    }

    this.frame(opcode, fragment, this.#maxFrame - room)
  }

  /** Add a frame with `size` bytes of payload. The parts are copied, or else kept until they are written. */
  frame (opcode: number, parts: Uint8Array[], size: number, fin: boolean = true): void {
    const headerSize = headerLength(size, this.#masked)
    this.size += headerSize + size

    if (this.#masked || size < parts.length * GATHER_BELOW) {
      this.#buffers.push(this.#copy(opcode, parts, headerSize, size, fin))
    } else {
      const header = Buffer.allocUnsafe(headerSize)
      writeHeader(header, opcode, size, undefined, fin)
      this.#buffers.push(header, ...parts)
    }
  }

  /** All frames, to be written now. */
  take (): Batch {
    const { size } = this
    const buffers = this.#buffers
    const pooled = this.#pooled
    const gather = buffers.length > 1 && size < buffers.length * GATHER_BELOW
    this.discard()

    return { buffers: gather ? [Buffer.concat(buffers, size)] : buffers, size, pooled }
  }

  /** Forget all frames; their memory does not go back to the pool. */
  discard (): void {
    this.#buffers = []
    this.#pooled = NONE
    this.size = 0
  }

  /** One copy: the caller's bytes are not ours to mask. */
  #copy (opcode: number, parts: Uint8Array[], headerSize: number, size: number, fin: boolean): Uint8Array {
    const key = this.#masked ? maskingKey() : undefined
    const frame = this.#allocate(headerSize + size)
    let at = writeHeader(frame, opcode, size, key, fin)

    for (const part of parts) {
      frame.set(part, at)
      at += part.length
    }

    if (key != null) {
      mask(frame.subarray(headerSize), key)
    }

    return frame
  }

  #allocate (size: number): Buffer {
    if (!isPooled(size)) {
      return Buffer.allocUnsafe(size)
    }

    const frame = takeFrame(size)

    if (this.#pooled === NONE) {
      this.#pooled = []
    }

    this.#pooled.push(frame)

    return frame
  }
}

/** Call it when the batch is written. */
export function recycle ({ pooled }: Batch): void {
  pooled.forEach(giveBack)
}
