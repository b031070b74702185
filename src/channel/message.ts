/**
 * Puts the payload slices of one message together again. A message that comes in one piece is handed on as it is;
 * else it is copied once, so that many small fragments cost no more memory than their bytes.
 */

/** A header alone must not make us reserve what it announces. */
const MAX_AHEAD = 65_536

export class MessageAssembler {
  #buffer = new Uint8Array(0)
  #length = 0

  /**
   * Add the next slice.
   *
   * @param data - payload, owned by the assembler from now on
   * @param last - it ends the message
   * @param missing - bytes of the same frame that are to follow, as the peer says
   * @returns the message, if it is whole
   */
  add (data: Uint8Array, last: boolean, missing: number): Uint8Array | undefined {
    if (last && this.#length === 0) {
      return data
    }

    this.#reserve(this.#length + data.length + Math.min(missing, MAX_AHEAD))
    this.#buffer.set(data, this.#length)
    this.#length += data.length

    if (!last) {
      return
    }

    const message = this.#buffer.subarray(0, this.#length)
    this.#buffer = new Uint8Array(0)
    this.#length = 0

    return message
  }

  #reserve (size: number): void {
    if (size > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(size, this.#buffer.length * 2))
      larger.set(this.#buffer.subarray(0, this.#length))
      this.#buffer = larger
    }
  }
}
