/** Listens for WebSockets that are answered when their target is open. */
import { fromSocket } from '../address/index.ts'
import { HANDSHAKE_TIMEOUT } from '../constants.ts'
import { listen } from '../server/index.ts'
import { refuseRequest } from '../server/refuse.ts'
import { checkAccess } from './access.ts'
import { ChannelEndpoint } from './channel-endpoint.ts'
import { endsOf, remoteName } from './listener.ts'
import { METRICS_TYPE } from './metrics.ts'
import type { BridgeOptions } from './options.ts'
import type { BridgeRequest } from './resolver.ts'
import type { Admission, Sessions } from './sessions.ts'
import type { Address } from '../address/index.ts'
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
      const ends = { remote, local: endsOf(request.socket).local }
      const verdict = await sessions.admit({ request: bridgeRequest(request, remote, signal), ends, isWebSocket: true, isDatagram: false })

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

function bridgeRequest ({ url = '/', headers }: IncomingMessage, remote: Address, signal: AbortSignal): BridgeRequest {
  // the base is only there because URL wants one
  const { pathname, searchParams } = new URL(url.replace(/^\/+/, '/'), 'ws://bridge')

  return {
    url,
    path: pathname,
    query: searchParams,
    headers,
    protocols: (headers['sec-websocket-protocol'] ?? '').split(',').map(offer => offer.trim()).filter(offer => offer !== ''),
    remote: remote.unixPath == null ? remoteName(remote.host, remote.port) : `unix:${remote.unixPath}`,
    signal
  }
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
