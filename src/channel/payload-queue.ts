/**
 * Payload of byte mode that is not in a frame yet: writes, oldest first, that leave in as few messages as there can be.
 */
import { MAX_OUTBOUND_MESSAGE } from '../constants.ts'
import { Opcode } from './frame.ts'
import type { FrameWriter } from './frame-writer.ts'

/** Writes that leave as one message. */
interface Message {
  readonly parts: Uint8Array[]
  size: number
}

export class PayloadQueue {
  /** Bytes. */
  size = 0
  #messages: Message[] = []

  /** A write is not cut to fill a message: what reads it wants it whole. */
  add (parts: Iterable<Uint8Array>, size: number): void {
    let message = this.#messages.at(-1)

    if (message == null || message.size + size > MAX_OUTBOUND_MESSAGE) {
      message = { parts: [], size: 0 }
      this.#messages.push(message)
    }

    for (const part of parts) {
      message.parts.push(part)
    }

    message.size += size
    this.size += size
  }

  /** Put all of it into frames, each a whole message of bounded size. */
  moveTo (frames: FrameWriter): void {
    for (const { parts, size } of this.#messages) {
      if (size <= MAX_OUTBOUND_MESSAGE) {
        frames.frame(Opcode.BINARY, parts, size)
      } else {
        cut(parts, frames)
      }
    }

    this.discard()
  }

  discard (): void {
    this.#messages = []
    this.size = 0
  }
}

/** One write that is larger than a message. */
function cut (uncut: Uint8Array[], frames: FrameWriter): void {
  let parts: Uint8Array[] = []
  let size = 0

  for (let part of uncut) {
    while (size + part.length > MAX_OUTBOUND_MESSAGE) {
      const room = MAX_OUTBOUND_MESSAGE - size
      parts.push(part.subarray(0, room))
      frames.frame(Opcode.BINARY, parts, MAX_OUTBOUND_MESSAGE)
      part = part.subarray(room)
      parts = []
      size = 0
    }

    parts.push(part)
    size += part.length
  }

  if (size > 0) {
    frames.frame(Opcode.BINARY, parts, size)
  }
}
