/**
 * Memory for large frames, used again once they have left: 128 KiB at a time would be a page fault for each 4 KiB and
 * most of the garbage, and cost the sender more than the write itself. Shared, so that an idle channel holds none.
 */
import { MAX_OUTBOUND_MESSAGE } from '../constants.ts'
import { MAX_HEADER } from './frame.ts'

const SIZE = MAX_OUTBOUND_MESSAGE + MAX_HEADER

/** Smaller frames are cheaper to allocate. */
const MIN_SIZE = 16_384

/** 4 MiB at most are kept: what one sender puts into a socket's buffers before the first write is known to be done. */
const MAX_KEPT = 32

const kept: ArrayBufferLike[] = []

/** Whether frames of this size come from here. */
export function isPooled (size: number): boolean {
  return size >= MIN_SIZE && size <= SIZE
}

/** Uninitialised memory for a frame of a size that `isPooled`. */
export function takeFrame (size: number): Buffer {
  return Buffer.from(kept.pop() ?? Buffer.allocUnsafeSlow(SIZE).buffer, 0, size)
}

/** Use its memory again: it must have been taken here, and be in nobody's hands any more. */
export function giveBack (frame: Uint8Array): void {
  if (kept.length < MAX_KEPT) {
    kept.push(frame.buffer)
  }
}
