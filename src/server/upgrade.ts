/**
 * What happens to the upgrade requests of a server: each goes to its route, or is refused.
 */
import { refuseUpgrade } from './refuse.ts'
import type { Handshakes } from './handshakes.ts'
import type { Route } from './route.ts'
import type { Routes } from './routes.ts'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

export type UpgradeHandler = (request: IncomingMessage, socket: Socket, head: Buffer) => void

/** For the `upgrade` event of `node:http`. */
export function upgrader (routes: Routes, handshakes: Handshakes): UpgradeHandler {
  return (request, socket, head) => {
    const route = routes.find(request.url ?? '/')

    handshakes.enter(socket, 'upgrade')

    if (route == null) {
      refuseUpgrade(socket, 404, 'No WebSocket on this path')
    } else if (!route.accepts(socket)) {
      refuseUpgrade(socket, 426, 'Only WebSockets over TLS on this path: dial its wss address')
    } else {
      upgrade(route, handshakes, request, socket, head)
    }
  }
}

function upgrade (route: Route, handshakes: Handshakes, ...[request, socket, head]: Parameters<UpgradeHandler>): void {
  try {
    route.upgrade(request, socket, head, () => { handshakes.finish(socket) })
  } catch (error: any) {
    // a throw from here would end the process
    refuseUpgrade(socket, 500, 'Internal Server Error', error)
  }
}
