/** Listens for what is no WebSocket: TCP, Unix stream sockets and UDP. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { BRIDGE_MAX_SESSIONS } from '../constants.ts'
import { bindTarget, namedBindError } from '../server/bind.ts'
import { listenDatagrams } from './listen-datagrams.ts'
import { addressOf, boundTarget, remoteName, unixAddress } from './listener.ts'
import { SocketEndpoint } from './socket-endpoint.ts'
import { formatTarget } from './target.ts'
import type { ListenTargetOptions, OnEndpoint, TargetListener } from './listener.ts'
import type { ClientEnds } from './proxy-header.ts'
import type { PortTarget, Target, UnixTarget, WebSocketTarget } from './target.ts'
import type { Socket } from 'node:net'

/**
 * Listen for sessions that are no WebSockets.
 *
 * @param target - port 0 is any free port
 * @param options - limits, for all sessions
 * @param onendpoint - called with each session, a socket or the datagrams of a remote address, and where its ends are
 * @throws {ListenError} it is taken or not ours; `cause` says why
 */
export async function listenTarget (target: Exclude<Target, WebSocketTarget>, options: ListenTargetOptions, onendpoint: OnEndpoint): Promise<TargetListener> {
  try {
    return target.kind === 'udp'
      ? await listenDatagrams(target, options, onendpoint)
      : await listenSockets(target, options, onendpoint)
  } catch (cause: any) {
    throw namedBindError(formatTarget(target).toString(), target.kind === 'unix', cause)
  }
}

async function listenSockets (target: PortTarget | UnixTarget, options: ListenTargetOptions, onendpoint: OnEndpoint): Promise<TargetListener> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, socket => {
    const ends = endsOf(socket, target)
    onendpoint(new SocketEndpoint(socket, remoteName(ends.remote), options), ends)
  })
  server.maxConnections = options.maxSessions ?? BRIDGE_MAX_SESSIONS
  server.on('drop', data => options.onrefused?.(remoteName(addressOf(data?.remoteAddress, data?.remotePort))))
  server.listen(target.kind === 'unix' ? { path: target.path } : await bindTarget(target))
  await once(server, 'listening')
  // one that could not be accepted, for want of descriptors say, is lost to its client only
  server.on('error', () => {})

  return {
    get addresses () {
      return server.listening ? [formatTarget(boundTarget(target, server.address()))] : []
    },
    async close () {
      server.close()
    }
  }
}

function endsOf (socket: Socket, target: PortTarget | UnixTarget): ClientEnds {
  if (target.kind === 'unix') {
    return { remote: unixAddress(target.path), local: unixAddress(target.path) }
  }

  return { remote: addressOf(socket.remoteAddress, socket.remotePort), local: addressOf(socket.localAddress, socket.localPort) }
}
