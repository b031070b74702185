/**
 * The boundary to `ws`: it makes every handshake, client and server, and hands over the socket instead of reading it.
 */
import { WebSocket } from 'ws'
import type { Socket } from 'node:net'

/** Give it to `WebSocketServer` as its `WebSocket` option, or dial with it; listen for `socket`. */
export class Handshake extends WebSocket {
  /** The socket after the handshake, and the bytes that came behind it. */
  upgraded: { socket: Socket, head: Uint8Array } | undefined

  /** Called by `ws` where it would start to read frames. */
  setSocket (socket: Socket, head: Uint8Array): void {
    this.upgraded = { socket, head }
    this.emit('upgraded', socket, head)
  }
}
