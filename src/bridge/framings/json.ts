import { isUtf8 } from 'node:buffer'
import { cut } from './cut.ts'
import type { CutOptions, FindEnd } from './cut.ts'
import type { Framing } from '../framing.ts'

const BACKSLASH = 0x5c
const Kind = { OTHER: 0, BLANK: 1, QUOTE: 2, OPENING: 3, CLOSING: 4 } as const
/** What each byte is, outside of strings: the characters of each kind, in the order of the kinds. */
const KINDS = Uint8Array.from({ length: 256 }, (_, byte) => ['\t\n\r ', '"', '[{', ']}'].findIndex(characters => characters.includes(String.fromCharCode(byte))) + 1)
/** They need nothing behind them to be whole, as a number does. */
const LITERALS = ['true', 'false', 'null']
const LONGEST_LITERAL = 5

/**
 * JSON values, each with the blanks in front of it, as text. A number ends where something else begins, or with
 * the input; blanks at the end of the input are dropped.
 *
 * What is not JSON goes out as binary, up to where the next value may begin: of `{"a":}` and `oops` each is a message.
 */
export function json (options?: CutOptions): Framing {
  const framing = cut(findValue, isJson, options)

  return async function * (source) {
    for await (const message of framing(source)) {
      if (!message.data.every(isBlank)) {
        yield message
      }
    }
  }
}

/** The end of the first value, by brackets and quotes alone: whether it is one is seen when it is whole. */
function findValue (): FindEnd {
  let depth = 0
  let inString = false
  let escaped = false
  /** Where a value without brackets and quotes begins. */
  let bare: number | undefined

  const reset = (end: number): number => {
    depth = 0
    bare = undefined

    return end
  }

  return (bytes, seen) => {
    for (let i = seen; i < bytes.length; i++) {
      const byte = bytes[i]
      const kind = KINDS[byte]

      if (inString) {
        inString = escaped || kind !== Kind.QUOTE
        escaped = !escaped && byte === BACKSLASH

        if (!inString && depth === 0) {
          return reset(i + 1)
        }
      } else if (bare != null) {
        if (kind !== Kind.OTHER && kind !== Kind.CLOSING) {
          return reset(i)
        }

        if (isLiteral(bytes, bare, i + 1)) {
          return reset(i + 1)
        }
      } else if (kind === Kind.QUOTE) {
        inString = true
      } else if (kind === Kind.OPENING) {
        depth++
      } else if (depth === 0 && kind !== Kind.BLANK) {
        bare = i
      } else if (kind === Kind.CLOSING && --depth === 0) {
        return reset(i + 1)
      }
    }
  }
}

function isBlank (byte: number): boolean {
  return KINDS[byte] === Kind.BLANK
}

function isLiteral (bytes: Buffer, start: number, end: number): boolean {
  return end - start <= LONGEST_LITERAL && LITERALS.includes(bytes.toString('latin1', start, end))
}

function isJson (message: Buffer): boolean {
  if (!isUtf8(message)) {
    return false
  }

  try {
    JSON.parse(message.toString())
    return true
  } catch {
    return false
  }
}
