/**
 * What happens to an upgrade request: its route takes it, or it is refused.
 */
import { refuseUpgrade } from './refuse.ts'
import type { Handshakes } from './handshakes.ts'
import type { Route } from './route.ts'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** Never throws: that would end the process. */
export function upgrade (route: Route | undefined, handshakes: Handshakes, request: IncomingMessage, socket: Socket, head: Buffer): void {
  handshakes.enter(socket, 'upgrade')

  if (route == null) {
    refuseUpgrade(socket, 404, 'No WebSocket on this path')
  } else if (!route.accepts(socket)) {
    refuseUpgrade(socket, 426, 'Only WebSockets over TLS on this path: dial its wss address')
  } else {
    try {
      route.upgrade(request, socket, head, () => { handshakes.finish(socket) })
    } catch (error: any) {
      refuseUpgrade(socket, 500, 'Internal Server Error', error)
    }
  }
}
