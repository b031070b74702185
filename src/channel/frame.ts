/**
 * What a WebSocket frame looks like (RFC 6455 section 5): opcodes, header and Close payload as bytes. Pure.
 */
import { InvalidParametersError, ProtocolError } from '@libp2p/interface'
import { CloseCode } from '../constants.ts'

export const Opcode = {
  CONTINUATION: 0x0,
  TEXT: 0x1,
  BINARY: 0x2,
  CLOSE: 0x8,
  PING: 0x9,
  PONG: 0xA
} as const

/** Bits of the first two header bytes. */
export const FIN = 0x80
export const RSV = 0x70
export const OPCODE = 0x0F
export const MASKED = 0x80
export const LENGTH = 0x7F

/** Header bytes before the masking key, and with it. */
export const MAX_HEADER = 14

/** Largest payload of a control frame (RFC 6455 section 5.5). */
export const MAX_CONTROL = 125

/** The peer broke RFC 6455; the channel closes with `closeCode`. */
export class FrameError extends ProtocolError {
  readonly closeCode: number

  constructor (message: string, closeCode: number = CloseCode.PROTOCOL_ERROR) {
    super(message)
    this.closeCode = closeCode
  }
}

/** Whether a frame whose first byte this is is a control frame (RFC 6455 section 5.5). */
export function isControl (first: number): boolean {
  return (first & OPCODE) >= Opcode.CLOSE
}

/** Bytes of the header of a frame with a payload of `size` bytes. */
export function headerLength (size: number, masked: boolean): number {
  const key = masked ? 4 : 0

  if (size < 126) {
    return 2 + key
  }

  return (size < 65_536 ? 4 : 10) + key
}

/** Write the header of a frame at the start of `out`, the last of its message unless `fin` is false; returns its length. */
export function writeHeader (out: Uint8Array, opcode: number, size: number, key?: number, fin: boolean = true): number {
  const maskBit = key == null ? 0 : MASKED
  let at = 2

  out[0] = (fin ? FIN : 0) | opcode

  if (size < 126) {
    out[1] = maskBit | size
  } else if (size < 65_536) {
    out[1] = maskBit | 126
    out[2] = size >> 8
    out[3] = size & 0xFF
    at = 4
  } else {
    out[1] = maskBit | 127
    const view = new DataView(out.buffer, out.byteOffset)
    view.setUint32(2, Math.floor(size / 2 ** 32))
    view.setUint32(6, size >>> 0)
    at = 10
  }

  if (key != null) {
    out[at] = key
    out[at + 1] = key >> 8
    out[at + 2] = key >> 16
    out[at + 3] = key >> 24
    at += 4
  }

  return at
}

/** Codes that may go on the wire (RFC 6455 section 7.4). */
export function isSendableCode (code: number): boolean {
  return (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999)
}

/**
 * The payload of a Close frame.
 *
 * @throws {InvalidParametersError} a code that may not be sent, a reason over 123 bytes
 */
export function encodeClose (code: number, reason: string): Uint8Array {
  const text = new TextEncoder().encode(reason)

  if (!isSendableCode(code)) {
    throw new InvalidParametersError(`close code ${code} may not be sent: use 1000 to 1003, 1007 to 1014 or 3000 to 4999`)
  }

  if (text.length > MAX_CONTROL - 2) {
    throw new InvalidParametersError(`close reason of ${text.length} bytes is over the limit of ${MAX_CONTROL - 2}`)
  }

  const payload = new Uint8Array(2 + text.length)
  payload[0] = code >> 8
  payload[1] = code & 0xFF
  payload.set(text, 2)

  return payload
}

/**
 * Read the payload of a Close frame; without a code it is 1005 (RFC 6455 section 7.1.5).
 *
 * @throws {FrameError} a single byte, a code that may not be sent, a reason that is not UTF-8
 */
export function decodeClose (payload: Uint8Array): { code: number, reason: string } {
  if (payload.length === 0) {
    return { code: CloseCode.NO_STATUS, reason: '' }
  }

  const code = payload.length === 1 ? NaN : payload[0] << 8 | payload[1]

  if (!isSendableCode(code)) {
    throw new FrameError(payload.length === 1 ? 'Close frame with half a code' : `Close frame with invalid code ${code}`)
  }

  try {
    return { code, reason: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload.subarray(2)) }
  } catch {
    throw new FrameError('Close frame with a reason that is not UTF-8', CloseCode.INVALID_PAYLOAD)
  }
}
