import { CloseCode } from '../constants.ts'
import { WebSocketClosedError } from '../errors.ts'
import type { ChannelClose } from './channel.ts'

/** The codes that say "this was all": a stream that ends with one of them is complete. */
const CLEAN_END: readonly number[] = [CloseCode.NORMAL, CloseCode.GOING_AWAY, CloseCode.NO_STATUS]

/** What a reader or writer has to be told about a close: nothing where it was a clean end. */
export function closeError (close: ChannelClose): WebSocketClosedError | undefined {
  if (close.wasClean && isCleanEnd(close.code)) {
    return undefined
  }

  return new WebSocketClosedError(close, close.error)
}

/** Whether the peer said with its Close frame that what it sent was all. */
export function isCleanEnd (code: number): boolean {
  return CLEAN_END.includes(code)
}
