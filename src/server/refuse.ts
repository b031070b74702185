/**
 * The answer to upgrade requests that get no WebSocket.
 */
import type { Socket } from 'node:net'

/** Answer an upgrade request that gets no WebSocket, and end its socket with `error`. */
export function refuseUpgrade (socket: Socket, status: number, reason: string, error = new Error(`${status} ${reason}`)): void {
  const body = `${reason}\n`

  socket.on('error', () => { socket.destroy() })

  // the peer has reset it since, or whoever chooses the subprotocol has ended it
  if (!socket.writable) {
    socket.destroy(error)
    return
  }

  socket.once('finish', () => { socket.destroy(error) })
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}
