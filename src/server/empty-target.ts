/**
 * Requests without target: NNG sends them where its URL has no path, and Node's parser would refuse them.
 */
import { readable } from './peek.ts'
import type { Socket } from 'node:net'

/** A request without target begins like this; it comes in one piece. */
const EMPTY_TARGET = Buffer.from('GET  HTTP/')
const ROOT_TARGET = Buffer.from('GET / HTTP/')

/** Let the first request of a socket, of which nothing was read, be one for `/` if it has no target. */
export async function fillEmptyTarget (socket: Socket): Promise<void> {
  await readable(socket)
  const head: Buffer | null = socket.read()

  if (head != null) {
    const empty = head.subarray(0, EMPTY_TARGET.length).equals(EMPTY_TARGET)
    socket.unshift(empty ? Buffer.concat([ROOT_TARGET, head.subarray(EMPTY_TARGET.length)]) : head)
  }
}
