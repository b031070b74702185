import { isUtf8 } from 'node:buffer'

/** How many bytes at the end are the beginning of a character, of which the rest may be yet to come. */
export function incompleteTail (bytes: Uint8Array): number {
  for (let length = 1; length <= Math.min(3, bytes.length); length++) {
    if (isBeginning(bytes.subarray(-length))) {
      return length
    }
  }

  return 0
}

function isBeginning (bytes: Uint8Array): boolean {
  const missing = sequenceLength(bytes[0]) - bytes.length

  // some lead bytes are followed by the lower continuation bytes only, some by the upper ones
  return missing > 0 && [0x80, 0xbf].some(rest => isUtf8(Buffer.concat([bytes, Buffer.alloc(missing, rest)])))
}

/** How long a sequence is, by its first byte; 0 where none begins so (RFC 3629 section 4). */
function sequenceLength (lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) {
    return 0
  }

  return [0xe0, 0xf0].reduce((length, first) => lead < first ? length : length + 1, 2)
}
