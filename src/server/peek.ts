/**
 * A look at the first byte of a socket, which tells what is spoken on a port that several protocols share. It stays to be
 * read.
 */
import type { Socket } from 'node:net'

export type Protocol = 'tls' | 'http'

/** First byte of a TLS record that holds a handshake (RFC 8446 section 5.1). */
const TLS_HANDSHAKE = 0x16

/** @throws {Error} it ended before its first byte */
export async function peek (socket: Socket): Promise<Protocol> {
  await readable(socket)
  const first: Uint8Array | null = socket.read(1)

  if (first == null) {
    throw new Error('The socket ended before its first byte')
  }

  socket.unshift(first)

  return first[0] === TLS_HANDSHAKE ? 'tls' : 'http'
}

/** Resolves when there is something to read, or will never be. */
export async function readable (socket: Socket): Promise<void> {
  if (socket.readableLength > 0 || socket.readableEnded || socket.destroyed) {
    return
  }

  await new Promise<void>(resolve => {
    const done = (): void => {
      socket.removeListener('readable', done)
      socket.removeListener('close', done)
      resolve()
    }

    socket.once('readable', done)
    socket.once('close', done)
  })
}
