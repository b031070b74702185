/**
 * How `sp` writes a message: the formats of nngcat and nanocat. Pure.
 */

const QUOTED: Record<number, string> = { 0x09: '\\t', 0x0a: '\\n', 0x0d: '\\r', 0x22: '\\"', 0x5c: '\\\\' }

export const FORMATS: Record<string, (message: Uint8Array) => string | Uint8Array> = {
  ascii: message => `${Array.from(message, byte => isPrintable(byte) ? String.fromCharCode(byte) : '.').join('')}\n`,
  hex: message => `"${Array.from(message, escape).join('')}"\n`,
  msgpack: message => Buffer.concat([binHeader(message.length), message]),
  no: () => '',
  quoted: message => `"${Array.from(message, byte => QUOTED[byte] ?? (isPrintable(byte) ? String.fromCharCode(byte) : escape(byte))).join('')}"\n`,
  raw: message => message
}

function isPrintable (byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f
}

function escape (byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`
}

/** The bin format family of MessagePack, in the shortest form. */
function binHeader (length: number): Uint8Array {
  if (length < 0x100) {
    return Buffer.of(0xc4, length)
  }

  return length < 0x1_0000
    ? Buffer.of(0xc5, length >> 8, length)
    : Buffer.of(0xc6, length >> 24, length >> 16, length >> 8, length)
}
