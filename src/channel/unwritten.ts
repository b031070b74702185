/** How far the write under way of a socket has got. */
import type { Socket } from 'node:net'

/** What lies beneath a socket. */
interface Handle {
  writeQueueSize?: number
  _parent?: Handle
}

/**
 * Bytes of the write under way that have not reached the operating system: where `writableLength` goes down when all of it
 * has left, this goes down bit by bit. Node uses it itself, but does not document it; TLS has it one handle deeper.
 */
export function unwritten (socket: Socket): number {
  const { _handle: handle } = socket as { _handle?: Handle }

  return (handle?._parent ?? handle)?.writeQueueSize ?? 0
}
