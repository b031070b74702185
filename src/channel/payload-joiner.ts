/**
 * Payload of one socket read as one piece, for channels in byte mode. A read of 64 KiB has the end of one message and the
 * beginning of the next: two events would cost twice, and Noise throws an error at the end of each piece that ends where a
 * message of Noise does, which takes 25 us.
 */
import type { FrameSink } from './frame-reader.ts'

export class PayloadJoiner implements FrameSink {
  readonly #sink: FrameSink
  #payload: Uint8Array | undefined
  #last = false

  constructor (sink: FrameSink) {
    this.#sink = sink
  }

  onpayload (data: Uint8Array, last: boolean): void {
    this.#payload = this.#payload == null ? data : join(this.#payload, data)
    this.#last = last
  }

  oncontrol (opcode: number, payload: Uint8Array): void {
    this.#sink.oncontrol(opcode, payload)
  }

  /** Hand on what there is: before a control frame, and at the end of a read. */
  flush (): void {
    const payload = this.#payload

    if (payload != null) {
      this.#payload = undefined
      this.#sink.onpayload(payload, this.#last)
    }
  }
}

/** Close the gap between two slices of one buffer, by moving the shorter one. */
function join (first: Uint8Array, second: Uint8Array): Uint8Array {
  const size = first.length + second.length

  if (first.length < second.length) {
    const begin = second.byteOffset - first.length
    const joined = new Uint8Array(second.buffer, begin, size)
    joined.set(first)

    return joined
  }

  const joined = new Uint8Array(first.buffer, first.byteOffset, size)
  joined.set(second, first.length)

  return joined
}
