/** Listens for WebSockets that are answered when their target is open. */
import { HANDSHAKE_TIMEOUT } from '../constants.ts'
import { listen } from '../server/index.ts'
import { refuseRequest } from '../server/refuse.ts'
import { checkAccess } from './access.ts'
import { ChannelEndpoint } from './channel-endpoint.ts'
import { addressOf } from './listener.ts'
import { METRICS_TYPE } from './metrics.ts'
import { bridgeRequest } from './request.ts'
import type { BridgeOptions } from './options.ts'
import type { Admission, Sessions } from './sessions.ts'
import type { Server } from '../server/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** The time for a handshake is for that of the target as well. */
export async function listenWebSockets (address: Multiaddr, options: BridgeOptions, sessions: Sessions): Promise<Server> {
  const admitted = new WeakMap<IncomingMessage, Admission>()
  const dialTime = options.dial?.handshakeTimeout ?? HANDSHAKE_TIMEOUT

  return listen(address, {
    ...options,
    handshakeTimeout: HANDSHAKE_TIMEOUT + dialTime,
    ...options.listen,
    onrequest: requestHandler(options, sessions),
    mode: request => admitted.get(request)?.mode ?? 'messages',
    subprotocol: (_, request) => admitted.get(request)?.protocol ?? '',
    async verify (request, { remote, signal }) {
      const { localAddress, localPort } = request.socket
      const local = remote.unixPath == null ? addressOf(localAddress, localPort) : remote
      const verdict = await sessions.admit({ request: bridgeRequest(request, remote), ends: { remote, local }, kind: 'ws', signal })

      if ('status' in verdict) {
        return verdict
      }

      if (signal.aborted) {
        sessions.abandon(verdict)
        return false
      }

      signal.addEventListener('abort', () => { sessions.abandon(verdict) })
      admitted.set(request, verdict)
    }
  }, (channel, request) => {
    const admission = admitted.get(request)

    if (admission != null) {
      sessions.start(admission, new ChannelEndpoint(channel, admission.remote))
    }
  })
}

/** What asks for no WebSocket: the metrics, or whatever else the user serves. */
function requestHandler (options: BridgeOptions, sessions: Sessions): (request: IncomingMessage, response: ServerResponse) => void {
  const { metricsPath, listen: { onrequest = refuseRequest } = {} } = options

  return (request, response) => {
    if (metricsPath == null || request.url?.split('?', 1)[0] !== metricsPath) {
      onrequest(request, response)
      return
    }

    const denied = checkAccess(request, sessions.rules)

    if (denied != null) {
      response.writeHead(denied.status, denied.headers).end()
    } else {
      response.writeHead(200, { 'Content-Type': METRICS_TYPE }).end(sessions.metrics())
    }
  }
}
