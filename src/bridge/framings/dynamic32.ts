import { InvalidMessageError, InvalidParametersError } from '@libp2p/interface'
import { checkSize, cut } from './cut.ts'
import type { CutOptions } from './cut.ts'
import type { Framing } from '../framing.ts'

/** Bytes of the length field. */
const FIELD = 4

export interface Dynamic32Options extends CutOptions {
  /**
   * Where the length field begins, bytes from the start of the message.
   *
   * @default 0
   */
  offset?: number

  /**
   * Bytes behind the length field that the length does not count; negative where it counts some up to the end of the field.
   *
   * @default 0
   */
  static?: number

  /**
   * Byte order of the length.
   *
   * @default 'little'
   */
  endian?: 'big' | 'little'
}

/**
 * Binary messages that say how long they are, in 32 bits: `offset` + 4 + `static` + length bytes. The last one may be
 * shorter. A length that ends before its own field raises `InvalidMessageError`.
 *
 * @throws {InvalidParametersError} options that are not what they say
 */
export function dynamic32 ({ offset = 0, static: extra = 0, endian = 'little', ...options }: Dynamic32Options = {}): Framing {
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new InvalidParametersError(`offset of the dynamic32 framing takes a number of bytes from 0 on, not ${offset}`)
  }

  if (!Number.isSafeInteger(extra)) {
    throw new InvalidParametersError(`static of the dynamic32 framing takes a whole number of bytes, not ${extra}`)
  }

  if (endian !== 'big' && endian !== 'little') {
    throw new InvalidParametersError(`endian of the dynamic32 framing takes big or little, not ${JSON.stringify(endian)}`)
  }

  const header = offset + FIELD

  return cut(maxMessage => bytes => {
    if (bytes.length < header) {
      return
    }

    const length = endian === 'big' ? bytes.readUInt32BE(offset) : bytes.readUInt32LE(offset)
    const end = header + extra + length

    if (end < header) {
      throw new InvalidMessageError(`the peer sent a message of ${end} bytes, which ends before its length field does: do offset, static and endian fit it?`)
    }

    // no reason to read what will be refused
    checkSize(end, maxMessage)

    return bytes.length < end ? undefined : end
  }, () => false, options)
}
