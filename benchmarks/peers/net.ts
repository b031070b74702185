/** The bare socket of Node, TCP or TLS: what everything else here is built on. */
import { once } from 'node:events'
import * as tcp from 'node:net'
import * as tls from 'node:tls'
import { createPipe, rawConnection } from './peer.ts'
import type { Peer, Pipe, Setup } from './peer.ts'
import type { AddressInfo, Socket } from 'node:net'

const HOST = '127.0.0.1'

export function net ({ certificate }: Setup): Peer {
  return {
    async listen (onpipe) {
      const onsocket = (socket: Socket): void => { onpipe(socketPipe(socket)) }
      const server = certificate == null
        ? tcp.createServer({ noDelay: true }, onsocket)
        : tls.createServer({ noDelay: true, ...certificate }, onsocket)

      server.listen(0, HOST)
      await once(server, 'listening')

      return (server.address() as AddressInfo).port
    },
    async connect (port) {
      const socket = certificate == null
        ? tcp.connect({ host: HOST, port, noDelay: true })
        : tls.connect({ host: HOST, port }).setNoDelay(true)

      await once(socket, certificate == null ? 'connect' : 'secureConnect')

      return rawConnection(socketPipe(socket), () => { socket.end() })
    }
  }
}

function socketPipe (socket: Socket): Pipe {
  const pipe = createPipe({
    send: (data) => socket.write(data),
    pause: () => { socket.pause() }
  })
  socket.on('data', (data: Buffer) => { pipe.ondata(data) })
  socket.on('drain', () => { pipe.ondrain() })
  // the other process ends as it likes when it has been measured
  socket.on('error', () => { socket.destroy() })

  return pipe
}
