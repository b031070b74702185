/**
 * Answers to HTTP requests that ask for no WebSocket.
 */
import { pathOf } from './routes.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

export interface RespondOptions {
  /**
   * Answers HTTP requests that ask for no WebSocket, on any path; on a shared port that of its first listener does.
   * If it throws or rejects, the client gets status 500.
   *
   * @default status 426, and a line that says so
   */
  onrequest?(request: IncomingMessage, response: ServerResponse): void | Promise<void>

  /**
   * A path that `GET` and `HEAD` get status 200 from, and the line `ok`, for load balancers and the like; `onrequest` does
   * not see them. After `close` nobody answers.
   *
   * @default none
   */
  healthPath?: string
}

export function responder ({ onrequest = refuseRequest, healthPath }: RespondOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const handler = guarded(onrequest)

  return (request, response) => {
    if (healthPath != null && isRead(request) && pathOf(request.url) === pathOf(healthPath)) {
      response.writeHead(200, { 'Content-Type': 'text/plain', 'Cache-Control': 'no-store' })
      response.end('ok\n')
    } else {
      void handler(request, response)
    }
  }
}

function refuseRequest (_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(426, { 'Content-Type': 'text/plain', Upgrade: 'websocket', Connection: 'Upgrade, close' })
  response.end('This is a WebSocket server: connect with a WebSocket client.\n')
}

function isRead ({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** A throw of the handler, or a rejection, would end the process. */
function guarded (onrequest: RequestHandler): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    try {
      await onrequest(request, response)
    } catch {
      if (!response.headersSent) {
        response.writeHead(500, { Connection: 'close' })
      }

      response.end()
    }
  }
}
