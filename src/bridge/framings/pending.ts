/** The bytes a framing has read and not yet handed out, in one piece. */

const EMPTY = Buffer.alloc(0)

export class Pending {
  /** Read only; what is written behind it later does not show in it. */
  bytes: Buffer = EMPTY
  /** What `bytes` is the filled part of. */
  #memory: Buffer = EMPTY

  /** Add a read, which is ours from now on. The bytes are copied only where something waits already. */
  add (chunk: Uint8Array): void {
    if (this.bytes.length === 0) {
      this.#memory = asBuffer(chunk)
      this.bytes = this.#memory
    } else {
      this.#append(chunk)
    }
  }

  /** Hand out the first bytes. Nothing writes to them any more. */
  take (length: number): Buffer {
    const taken = this.bytes.subarray(0, length)
    this.bytes = this.bytes.subarray(length)

    return taken
  }

  #append (chunk: Uint8Array): void {
    const length = this.bytes.length + chunk.length
    let start = this.bytes.byteOffset - this.#memory.byteOffset

    if (start + length > this.#memory.length) {
      // twice as much, so that many small reads are copied a few times only
      const larger = Buffer.allocUnsafeSlow(Math.max(length, this.bytes.length * 2))
      larger.set(this.bytes)
      this.#memory = larger
      start = 0
    }

    this.#memory.set(chunk, start + this.bytes.length)
    this.bytes = this.#memory.subarray(start, start + length)
  }
}

function asBuffer (chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}
