/**
 * What happens to the upgrade requests of a server: each goes to its route, or is refused.
 */
import { refuseUpgrade } from './refuse.ts'
import type { ServerEvents } from './http-server.ts'
import type { Handshakes } from './handshakes.ts'
import type { Route } from './route.ts'
import type { Routes } from './routes.ts'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

export type UpgradeHandler = (request: IncomingMessage, socket: Socket, head: Buffer) => void

/** For the `upgrade` event of `node:http`. */
export function upgrader (routes: Routes, handshakes: Handshakes, events: ServerEvents): UpgradeHandler {
  /** Never rejects, as that would end the process. */
  const upgrade = async (route: Route, ...[request, socket, head]: Parameters<UpgradeHandler>): Promise<void> => {
    try {
      await route.upgrade(request, socket, head, {
        onupgraded: () => { handshakes.finish(socket) },
        onrefused: (reason) => { events.ondrop?.(reason) }
      })
    } catch (error: any) {
      refuseUpgrade(socket, 500, 'Internal Server Error', error)
    }
  }

  return (request, socket, head) => {
    const route = routes.find(request.url ?? '/')

    handshakes.enter(socket, 'upgrade')

    if (route == null) {
      refuseUpgrade(socket, 404, 'No WebSocket on this path')
    } else if (!route.accepts(socket)) {
      refuseUpgrade(socket, 426, 'Only WebSockets over TLS on this path: dial its wss address')
    } else {
      void upgrade(route, request, socket, head)
    }
  }
}
