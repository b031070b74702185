import { isUtf8 } from 'node:buffer'
import { InvalidParametersError } from '@libp2p/interface'
import { cut } from './cut.ts'
import type { CutOptions, FindEnd } from './cut.ts'
import type { Framing } from '../framing.ts'

const LINE_ENDS = { crlf: '\r\n', lfcr: '\n\r', lf: '\n', cr: '\r' } as const

export type LineEnd = keyof typeof LINE_ENDS

/**
 * Binary messages up to and including a separator; the last one may lack it.
 *
 * @param separator - one or more bytes; a string stands for its UTF-8 bytes
 * @throws {InvalidParametersError} an empty separator
 */
export function separator (separator: Uint8Array | string, options?: CutOptions): Framing {
  if (separator.length === 0) {
    throw new InvalidParametersError('the separator framing needs a separator of one byte or more')
  }

  return cut(() => findSeparator(separator), () => false, options)
}

/**
 * Lines, each with its end: as text where all of the line is valid UTF-8, else as binary. The last one may lack its end.
 *
 * @throws {InvalidParametersError} another line end
 */
export function newline (end: LineEnd, options?: CutOptions): Framing {
  if (!Object.hasOwn(LINE_ENDS, end)) {
    throw new InvalidParametersError(`the newline framing takes ${Object.keys(LINE_ENDS).join(', ')}, not ${JSON.stringify(end)}`)
  }

  return cut(() => findSeparator(LINE_ENDS[end]), isUtf8, options)
}

function findSeparator (separator: Uint8Array | string): FindEnd {
  const { length } = Buffer.from(separator)

  return (bytes, seen) => {
    // its first bytes may have come with an earlier read
    const start = bytes.indexOf(separator, Math.max(0, seen - length + 1))

    return start < 0 ? undefined : start + length
  }
}
