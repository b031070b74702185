/**
 * The boundary to `ws`: it makes every handshake, client and server, and hands over the socket instead of reading it.
 */
import { WebSocket } from 'ws'
import type { Socket } from 'node:net'

/** Give it to `WebSocketServer` as its `WebSocket` option, or dial with it and listen for `upgraded`. */
export class Handshake extends WebSocket {
  /** Called by `ws` where it would start to read frames; `head` came behind the handshake. */
  setSocket (socket: Socket, head: Uint8Array): void {
    this.emit('upgraded', socket, head)
  }
}
