/**
 * What happens to an upgrade request: its route takes it, or it is refused.
 */
import { refuseUpgrade } from './refuse.ts'
import type { Admission } from './admission.ts'
import type { Handshakes } from './handshakes.ts'
import type { Route } from './route.ts'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** Never throws: that would end the process. */
export function upgrade (route: Route | undefined, handshakes: Handshakes, admission: Admission, request: IncomingMessage, socket: Socket, head: Buffer): void {
  handshakes.enter(socket, 'upgrade')

  if (route == null) {
    refuseUpgrade(socket, 404, 'No WebSocket on this path')
  } else if (!route.accepts(socket)) {
    refuseUpgrade(socket, 426, 'Only WebSockets over TLS on this path: dial its wss address')
  } else {
    admit(route, handshakes, admission, request, socket, head).catch(error => { fail(socket, error) })
  }
}

async function admit (route: Route, handshakes: Handshakes, admission: Admission, request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
  const client = admission.clients.ofRequest(request)

  if (admission.refusesClient(socket, client)) {
    refuseUpgrade(socket, 429, 'Too many connections from this address')
    return
  }

  await route.upgrade(request, socket, head, client, {
    onupgraded: () => { handshakes.finish(socket) },
    onrefused: (reason) => { admission.drop(reason) }
  })
}

function fail (socket: Socket, error: Error): void {
  if (error.name === 'InvalidMessageError') {
    refuseUpgrade(socket, 400, error.message, error)
  } else {
    refuseUpgrade(socket, 500, 'Internal Server Error', error)
  }
}
