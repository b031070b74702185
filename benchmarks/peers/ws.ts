/** `ws` as its documentation uses it. It has no drain event: the callback of `send` takes its place. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { WebSocket, WebSocketServer } from 'ws'
import { createPipe, rawConnection } from './peer.ts'
import type { Peer, Pipe, Setup } from './peer.ts'
import type { AddressInfo } from 'node:net'

const HOST = '127.0.0.1'

/** Unsent bytes at which a writer waits: the same as in ws-transport. */
const HIGH_WATER_MARK = 1_048_576

export function ws ({ certificate }: Setup): Peer {
  return {
    async listen (onpipe) {
      const server = certificate == null ? createServer() : createSecureServer(certificate)
      const sockets = new WebSocketServer({ server })

      sockets.on('connection', (socket) => { onpipe(webSocketPipe(socket)) })
      server.listen(0, HOST)
      await once(server, 'listening')

      return (server.address() as AddressInfo).port
    },
    async connect (port) {
      const socket = new WebSocket(`${certificate == null ? 'ws' : 'wss'}://${HOST}:${port}`, { perMessageDeflate: false })
      await once(socket, 'open')

      return rawConnection(webSocketPipe(socket), () => { socket.close() })
    }
  }
}

function webSocketPipe (socket: WebSocket): Pipe {
  const drained = (): void => { pipe.ondrain() }
  const pipe = createPipe({
    send (data) {
      const writable = socket.bufferedAmount + data.byteLength < HIGH_WATER_MARK
      socket.send(data, writable ? undefined : drained)

      return writable
    },
    pause: () => { socket.pause() }
  })
  socket.on('message', (data: Buffer) => { pipe.ondata(data) })
  socket.on('error', () => { socket.terminate() })

  return pipe
}
