/**
 * Reads frames out of a byte stream, however it is cut. Payload goes on as it comes in, as unmasked slices of the
 * input, so no message is ever assembled here. Pure: bytes in, calls out.
 */
import { MessageTooLargeError } from '../errors.ts'
import { FIN, FrameError, LENGTH, MASKED, MAX_CONTROL, MAX_HEADER, Opcode, OPCODE, RSV } from './frame.ts'
import { mask, rotateKey } from './mask.ts'

export interface FrameSink {
  /** Payload of the data message under way, in order; `last` ends the message. May be empty. */
  onpayload (data: Uint8Array, last: boolean): void
  /** A whole control frame; `payload` is good until the call returns. */
  oncontrol (opcode: number, payload: Uint8Array): void
}

export class FrameReader {
  /** The data message under way is text. */
  text = false
  /** Payload bytes that the frame under way still lacks. */
  missing = 0

  readonly #sink: FrameSink
  readonly #masked: boolean
  readonly #maxMessage: number
  /** Gathers a header that is cut by the end of the input. */
  #header: Uint8Array | undefined
  #headerBytes = 0
  #inFrame = false
  #opcode: number = Opcode.BINARY
  #fin = false
  #key = 0
  /** A data message is under way. */
  #fragmented = false
  #messageSize = 0
  /** Gathers a control payload that is cut by the end of the input. */
  #control: Uint8Array | undefined

  /**
   * @param sink - receives what is read
   * @param masked - whether the peer must mask its frames (true on servers) or must not
   * @param maxMessage - bytes of one data message
   */
  constructor (sink: FrameSink, masked: boolean, maxMessage: number) {
    this.#sink = sink
    this.#masked = masked
    this.#maxMessage = maxMessage
  }

  /**
   * Read at most one frame from `chunk`, from `offset` on, and call the sink at most once; returns the offset after
   * it. Call again while it is below `chunk.length`. The chunk is unmasked in place, and its slices are handed out.
   *
   * @throws {FrameError} the peer broke RFC 6455
   * @throws {MessageTooLargeError} by the header of the frame that goes over `maxMessage`
   */
  read (chunk: Uint8Array, offset: number): number {
    if (!this.#inFrame) {
      offset = this.#readHeader(chunk, offset)

      if (!this.#inFrame) {
        return offset
      }
    }

    const end = Math.min(offset + this.missing, chunk.length)
    const data = chunk.subarray(offset, end)
    this.missing -= data.length

    if (this.#masked && data.length > 0) {
      mask(data, this.#key)
      this.#key = rotateKey(this.#key, data.length)
    }

    this.#inFrame = this.missing > 0

    if (this.#opcode >= Opcode.CLOSE) {
      this.#readControl(data)
    } else if (data.length > 0 || !this.#inFrame) {
      const last = this.#fin && !this.#inFrame
      this.#fragmented = !last
      this.#sink.onpayload(data, last)
    }

    return end
  }

  #readControl (data: Uint8Array): void {
    if (this.#control == null && !this.#inFrame) {
      this.#sink.oncontrol(this.#opcode, data)
      return
    }

    const before = this.#control?.length ?? 0
    const control = new Uint8Array(before + data.length)
    control.set(this.#control ?? data)
    control.set(data, before)
    this.#control = control

    if (!this.#inFrame) {
      this.#control = undefined
      this.#sink.oncontrol(this.#opcode, control)
    }
  }

  /** Parse the header in place where it is whole, and gather it byte by byte where it is cut. */
  #readHeader (chunk: Uint8Array, offset: number): number {
    if (this.#headerBytes === 0 && chunk.length - offset >= MAX_HEADER) {
      return this.#parseHeader(chunk, offset)
    }

    this.#header ??= new Uint8Array(MAX_HEADER)

    while (offset < chunk.length) {
      this.#header[this.#headerBytes++] = chunk[offset++]

      if (this.#headerBytes >= 2 && this.#headerBytes === fullHeader(this.#header[1])) {
        this.#headerBytes = 0
        this.#parseHeader(this.#header, 0)
        this.#header = undefined
        break
      }
    }

    return offset
  }

  #parseHeader (bytes: Uint8Array, at: number): number {
    const first = bytes[at]
    const second = bytes[at + 1]
    const opcode = first & OPCODE
    let size = second & LENGTH
    at += 2

    if (size === 126) {
      size = bytes[at] << 8 | bytes[at + 1]
      at += 2
    } else if (size === 127) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8)
      size = view.getUint32(0) * 2 ** 32 + view.getUint32(4)
      at += 8
    }

    this.#check(first, second, opcode, size)

    if (this.#masked) {
      this.#key = bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24
      at += 4
    }

    this.#opcode = opcode
    this.#fin = (first & FIN) !== 0
    this.#inFrame = true
    this.missing = size

    if (opcode === Opcode.TEXT || opcode === Opcode.BINARY) {
      this.text = opcode === Opcode.TEXT
    }

    return at
  }

  /** RFC 6455 sections 5.1, 5.2, 5.4 and 5.5. */
  #check (first: number, second: number, opcode: number, size: number): void {
    if ((first & RSV) !== 0) {
      throw new FrameError('frame with a reserved bit, and no extension was negotiated')
    }

    if (((second & MASKED) !== 0) !== this.#masked) {
      throw new FrameError(this.#masked ? 'client frame without mask' : 'server frame with mask')
    }

    if (opcode >= Opcode.CLOSE) {
      this.#checkControl(first, opcode, size)
    } else {
      this.#checkData(opcode, size)
    }
  }

  #checkControl (first: number, opcode: number, size: number): void {
    if (opcode > Opcode.PONG) {
      throw new FrameError(`frame with reserved opcode ${opcode}`)
    }

    if ((first & FIN) === 0) {
      throw new FrameError('fragmented control frame')
    }

    if (size > MAX_CONTROL) {
      throw new FrameError(`control frame of ${size} bytes, over ${MAX_CONTROL}`)
    }
  }

  #checkData (opcode: number, size: number): void {
    if (opcode > Opcode.BINARY) {
      throw new FrameError(`frame with reserved opcode ${opcode}`)
    }

    if (this.#fragmented !== (opcode === Opcode.CONTINUATION)) {
      throw new FrameError(this.#fragmented ? 'new message before the end of the last' : 'continuation of no message')
    }

    this.#messageSize = size + (this.#fragmented ? this.#messageSize : 0)

    if (this.#messageSize > this.#maxMessage) {
      throw new MessageTooLargeError(this.#messageSize, this.#maxMessage)
    }
  }
}

/** Header length, masking key included, that the second header byte announces. */
function fullHeader (second: number): number {
  const length = second & LENGTH

  const key = (second & MASKED) === 0 ? 0 : 4

  if (length < 126) {
    return 2 + key
  }

  return (length === 126 ? 4 : 10) + key
}
