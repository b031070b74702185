import { InvalidParametersError } from '@libp2p/interface'

/** An escape, what looks like one and is none, or a run of other text. */
const PARTS = /\\x([\dA-Fa-f]{2})|\\([rtn0f\\])|(\\.{0,3})|([^\\]+)/gsu

const LETTERS: Record<string, number> = { r: 0x0d, t: 0x09, n: 0x0a, 0: 0x00, f: 0x0c, '\\': 0x5c }

/**
 * The bytes that text with the escapes `\r \t \n \0 \f \\ \xHH` stands for; all else stands for its UTF-8.
 *
 * @throws {InvalidParametersError} another escape
 */
export function unescapeBytes (text: string): Uint8Array {
  return Buffer.concat([...text.matchAll(PARTS)].map(([, hex, letter, bad, plain]) => {
    if (bad != null) {
      throw new InvalidParametersError(`${bad} is no escape: write \\r \\t \\n \\0 \\f \\\\ or \\x with two hex digits`)
    }

    if (plain != null) {
      return Buffer.from(plain)
    }

    return Buffer.of(hex == null ? LETTERS[letter] : Number.parseInt(hex, 16))
  }))
}
