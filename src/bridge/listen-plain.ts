/** Listens for what is no WebSocket, each session of which waits until its target is open. */
import { AbortError } from '@libp2p/interface'
import { CloseCode } from '../constants.ts'
import { listenTarget } from './listen.ts'
import { bridgeRequest } from './request.ts'
import type { Endpoint } from './endpoint.ts'
import type { TargetListener } from './listener.ts'
import type { BridgeOptions } from './options.ts'
import type { ClientEnds } from './proxy-header.ts'
import type { Sessions } from './sessions.ts'
import type { Target, WebSocketTarget } from './target.ts'

export async function listenPlain (target: Exclude<Target, WebSocketTarget>, options: BridgeOptions, sessions: Sessions): Promise<TargetListener> {
  const opening = new Set<Endpoint>()
  // the sessions know their limits, which may change
  const listener = await listenTarget(target, { ...options, maxSessions: Infinity }, (endpoint, ends) => {
    opening.add(endpoint)
    void begin(endpoint, ends).finally(() => opening.delete(endpoint))
  })

  const begin = async (endpoint: Endpoint, ends: ClientEnds): Promise<void> => {
    const left = new AbortController()
    endpoint.onclose = () => { left.abort() }

    const verdict = await sessions.admit({
      request: bridgeRequest({ headers: {} }, ends.remote),
      ends,
      kind: target.kind === 'udp' ? 'datagram' : 'stream',
      signal: left.signal
    })

    if ('status' in verdict) {
      await endpoint.close(CloseCode.BAD_GATEWAY)
    } else if (left.signal.aborted) {
      sessions.abandon(verdict)
    } else {
      sessions.start(verdict, endpoint)
    }
  }

  return {
    get addresses () {
      return listener.addresses
    },
    async close () {
      const closed = listener.close()
      opening.forEach(endpoint => { endpoint.abort(new AbortError('the bridge is closed')) })
      await closed
    }
  }
}
