/** A proxy between client and server that counts what the client puts on the wire. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'

const HTTP_REQUEST = 'GET '

/** Bytes of the length behind the header's first two bytes, where these say so. */
const EXTENDED_LENGTH: Record<number, number> = { 126: 2, 127: 8 }
const MASKING_KEY = 4

export class CountingProxy {
  bytes = 0
  /** Undefined unless the client speaks WebSocket. */
  frames: number | undefined
  readonly #server: Server

  /** @param port - of the server behind it */
  constructor (port: number) {
    this.#server = createServer((inbound) => {
      const outbound = connect(port, '127.0.0.1')

      inbound.pipe(outbound).pipe(inbound)
      inbound.once('data', (chunk: Buffer) => { this.#onfirst(inbound, chunk) })
      // both ends are processes that are ended when they have been measured
      inbound.on('error', () => { outbound.destroy() })
      outbound.on('error', () => { inbound.destroy() })
    })
  }

  /** @returns the port to dial instead */
  async listen (): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')

    return (this.#server.address() as AddressInfo).port
  }

  close (): void {
    this.#server.close()
  }

  /** A WebSocket client has nothing to send behind its request before it has the answer. */
  #onfirst (inbound: Socket, chunk: Buffer): void {
    this.bytes = chunk.length

    const counter = chunk.toString('latin1', 0, HTTP_REQUEST.length) === HTTP_REQUEST ? new FrameCounter() : undefined
    this.frames = counter?.count

    inbound.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length
      counter?.add(chunk)
      this.frames = counter?.count
    })
  }
}

/** Counts the frames of a WebSocket client by following their lengths (RFC 6455 section 5.2). */
export class FrameCounter {
  count = 0
  readonly #header = Buffer.alloc(2 + 8 + MASKING_KEY)
  #headerBytes = 0
  #payloadLeft = 0

  add (chunk: Uint8Array): void {
    let at = 0

    while (at < chunk.length) {
      if (this.#payloadLeft > 0) {
        const skipped = Math.min(this.#payloadLeft, chunk.length - at)
        this.#payloadLeft -= skipped
        at += skipped
      } else {
        this.#addHeader(chunk[at++])
      }
    }
  }

  #addHeader (byte: number): void {
    this.#header[this.#headerBytes++] = byte

    const length = this.#header[1] & 0x7F
    const lengthBytes = EXTENDED_LENGTH[length] ?? 0

    if (this.#headerBytes < 2 + lengthBytes + MASKING_KEY) {
      return
    }

    this.count++
    this.#headerBytes = 0
    this.#payloadLeft = lengthBytes === 0 ? length : Number(`0x${this.#header.toString('hex', 2, 2 + lengthBytes)}`)
  }
}
