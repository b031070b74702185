/**
 * What the framings that look for boundaries have in common. They differ in how they find the end of a message, and all of
 * them find it wherever the reads are cut, because they see everything from the start of the message on.
 */
import { MAX_INBOUND_MESSAGE } from '../../constants.ts'
import { MessageTooLargeError } from '../../errors.ts'
import { Pending } from './pending.ts'
import type { Framing } from '../framing.ts'

export interface CutOptions {
  /**
   * Largest message, bytes, and so the memory of one connection. A longer one raises `MessageTooLargeError`.
   *
   * @default 4_194_304
   */
  maxMessage?: number
}

/**
 * Finds the end of the first message.
 *
 * @param bytes - all that was read from the start of the message on
 * @param seen - how many of them were there when it was last asked about this message
 * @returns where the message ends; undefined: not in these bytes
 */
export type FindEnd = (bytes: Buffer, seen: number) => number | undefined

/**
 * @param finder - called for each connection
 * @param isText - whether a message goes out as text
 * @param options - see there
 */
export function cut (finder: (maxMessage: number) => FindEnd, isText: (message: Buffer) => boolean, options: CutOptions = {}): Framing {
  const maxMessage = options.maxMessage ?? MAX_INBOUND_MESSAGE

  return async function * (source) {
    const pending = new Pending()
    const findEnd = finder(maxMessage)

    for await (const chunk of source) {
      let seen = pending.bytes.length
      let end: number | undefined
      pending.add(chunk)

      while ((end = findEnd(pending.bytes, seen)) != null) {
        checkSize(end, maxMessage)
        const data = pending.take(end)
        seen = 0

        yield { data, text: isText(data) }
      }

      checkSize(pending.bytes.length, maxMessage)
    }

    if (pending.bytes.length > 0) {
      yield { data: pending.bytes, text: isText(pending.bytes) }
    }
  }
}

export function checkSize (size: number, maxMessage: number): void {
  if (size > maxMessage) {
    throw new MessageTooLargeError(size, maxMessage)
  }
}
