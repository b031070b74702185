import { InvalidParametersError } from '@libp2p/interface'
import { cut } from './cut.ts'
import { binary } from './reads.ts'
import type { Framing } from '../framing.ts'

/**
 * Binary messages of the same length; the last one may be shorter.
 *
 * @param length - bytes, which is also what one connection may hold; 0: each read is a message
 * @throws {InvalidParametersError} a length that is no whole number, or under 0
 */
export function fixedLength (length: number): Framing {
  if (!Number.isSafeInteger(length) || length < 0) {
    throw new InvalidParametersError(`the fixedLength framing takes a number of bytes from 0 on, not ${length}`)
  }

  return length === 0
    ? binary()
    : cut(() => ({ length: available }) => available < length ? undefined : length, () => false, { maxMessage: length })
}
