/**
 * What happens to the upgrade requests of a server: each goes to its route, or is refused.
 */
import { refuseUpgrade } from './refuse.ts'
import type { Clients } from './clients.ts'
import type { Handshakes } from './handshakes.ts'
import type { DropReason, ServerEvents } from './http-server.ts'
import type { Gate } from './limits.ts'
import type { Route } from './route.ts'
import type { Routes } from './routes.ts'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

export type UpgradeHandler = (request: IncomingMessage, socket: Socket, head: Buffer) => void

/** For the `upgrade` event of `node:http`. */
export function upgrader (routes: Routes, handshakes: Handshakes, clients: Clients, gate: Gate, events: ServerEvents): UpgradeHandler {
  const drop = (reason: DropReason): void => { events.ondrop?.(reason) }

  const upgrade = async (route: Route, ...[request, socket, head]: Parameters<UpgradeHandler>): Promise<void> => {
    const client = clients.ofRequest(request)
    // others were counted when they were accepted
    const reason = clients.ofSocket(socket) == null ? gate.refusesFrom(client.host, socket) : undefined

    if (reason != null) {
      drop(reason)
      refuseUpgrade(socket, 429, 'Too many connections from this address')
      return
    }

    await route.upgrade(request, socket, head, client, {
      onupgraded: () => { handshakes.finish(socket) },
      onrefused: drop
    })
  }

  return (request, socket, head) => {
    const route = routes.find(request.url ?? '/')

    handshakes.enter(socket, 'upgrade')

    if (route == null) {
      refuseUpgrade(socket, 404, 'No WebSocket on this path')
    } else if (!route.accepts(socket)) {
      refuseUpgrade(socket, 426, 'Only WebSockets over TLS on this path: dial its wss address')
    } else {
      // a rejection would end the process
      upgrade(route, request, socket, head).catch(error => { fail(socket, error) })
    }
  }
}

function fail (socket: Socket, error: Error): void {
  if (error.name === 'InvalidMessageError') {
    refuseUpgrade(socket, 400, error.message, error)
  } else {
    refuseUpgrade(socket, 500, 'Internal Server Error', error)
  }
}
