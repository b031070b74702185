/** Datagrams in a stream: each behind its length, two bytes in network byte order, as UDP itself has it (RFC 768). */
import { Uint8ArrayList } from 'uint8arraylist'

const HEADER = 2

/** The largest that a header can tell, bytes. */
export const MAX_DATAGRAM = 0xffff

/** A datagram as it is sent; up to `MAX_DATAGRAM` bytes, not copied. */
export function frameDatagram (datagram: Uint8Array): Uint8ArrayList {
  return new Uint8ArrayList(Uint8Array.of(datagram.length >> 8, datagram.length & 0xff), datagram)
}

/** Finds the datagrams again, wherever the stream was cut. Holds less than one that is not complete. */
export class DatagramReader {
  readonly #buffer = new Uint8ArrayList()

  /** What is held belongs to no complete datagram, so a stream that ends now has lost one. */
  get incomplete (): boolean {
    return this.#buffer.length > 0
  }

  push (data: Uint8Array | Uint8ArrayList): void {
    this.#buffer.append(data)
  }

  /** The next complete one, which may be empty; it is a copy. */
  next (): Uint8Array | undefined {
    if (this.#buffer.length < HEADER) {
      return undefined
    }

    const end = HEADER + this.#buffer.getUint16(0)

    if (this.#buffer.length < end) {
      return undefined
    }

    const datagram = this.#buffer.slice(HEADER, end)
    this.#buffer.consume(end)

    return datagram
  }
}
