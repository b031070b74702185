/** From a request to its target, opened, or to the reason why there is none. */
import { dialTarget } from './dial.ts'
import { proxyHeader } from './proxy-header.ts'
import { isRefusal } from './resolver.ts'
import { framingOf } from './rules.ts'
import { chooseSubprotocol } from './subprotocol.ts'
import { formatTarget, parseTarget } from './target.ts'
import type { Endpoint } from './endpoint.ts'
import type { RefusalReason } from './metrics.ts'
import type { BridgeOptions } from './options.ts'
import type { ClientEnds } from './proxy-header.ts'
import type { RelayOptions } from './relay.ts'
import type { BridgeRequest } from './request.ts'
import type { Resolution } from './resolver.ts'
import type { CheckedRules } from './rules.ts'
import type { ChannelMode } from '../channel/index.ts'
import type { Refusal } from '../server/index.ts'

/** Who wants a session. */
export interface Client {
  readonly id: number
  readonly request: BridgeRequest
  readonly ends: ClientEnds
  readonly kind: 'ws' | 'stream' | 'datagram'
  /** Fires when it has left. */
  readonly signal: AbortSignal
}

export interface OpenTarget {
  readonly target: Endpoint
  /** What a WebSocket client is answered, `''` for none. */
  readonly protocol: string
  /** Of a WebSocket client. */
  readonly mode: ChannelMode
  /** Between the client, `a`, and the target, `b`. */
  readonly relay: RelayOptions
}

/** Why a client gets no session; only `refusal` is for its eyes. */
export interface Denial {
  readonly reason: RefusalReason
  readonly refusal: Refusal
  readonly error?: Error
}

/** By the name of the error. */
const FAILURES: Record<string, Denial> = {
  ConnectionFailedError: { reason: 'unreachable', refusal: { status: 502, reason: 'What is behind this bridge cannot be reached' } },
  TimeoutError: { reason: 'timeout', refusal: { status: 504, reason: 'What is behind this bridge does not answer' } },
  // nobody is there to be told
  AbortError: { reason: 'left', refusal: { status: 503 } }
}

/** Never rejects. */
export async function openTarget (client: Client, rules: CheckedRules, options: BridgeOptions): Promise<OpenTarget | Denial> {
  try {
    const resolved = await rules.resolve(client.request)

    if (resolved == null || isRefusal(resolved)) {
      return { reason: 'resolver', refusal: resolved ?? { status: 404, reason: 'There is nothing to connect to here' } }
    }

    return await open(client, resolved, rules, options)
  } catch (error: any) {
    return { ...FAILURES[error.name] ?? { reason: 'error', refusal: { status: 500 } }, error }
  }
}

async function open (client: Client, resolution: Resolution, rules: CheckedRules, options: BridgeOptions): Promise<OpenTarget | Denial> {
  const { subprotocols: offers } = client.request
  const isWebSocket = client.kind === 'ws'
  const target = parseTarget(resolution.address)
  const toWebSocket = target.kind === 'ws'
  const protocol = resolution.protocol ?? (isWebSocket ? chooseSubprotocol(rules.protocol ?? '', offers, { lenient: rules.lenientProtocol }) : '')

  if (protocol === false) {
    return { reason: 'protocol', refusal: { status: 400, reason: 'None of the offered subprotocols is spoken here' } }
  }

  const datagrams = isWebSocket ? target.kind === 'udp' : client.kind === 'datagram'
  const framing = isWebSocket === toWebSocket ? undefined : framingOf(resolution.framing ?? rules.framing, { datagrams, maxMessage: options.maxMessage })
  const mode = isWebSocket === toWebSocket || datagrams || framing != null ? 'messages' : 'bytes'

  options.log?.('debug', 'dial', { id: client.id, target: formatTarget(target).toString() })
  const endpoint = await dialTarget(target, {
    ...options,
    ...options.dial,
    mode,
    signal: client.signal,
    subprotocols: offered(client, resolution, rules, protocol)
  })

  if (rules.proxyProtocol != null && endpoint.halfClose) {
    endpoint.send(proxyHeader(rules.proxyProtocol, client.ends), false)
  }

  return {
    target: endpoint,
    // a target that is a WebSocket has the last word
    protocol: offers.length === 0 ? '' : endpoint.subprotocol ?? protocol,
    mode,
    relay: isWebSocket ? { fromB: framing } : { fromA: framing }
  }
}

/** For a target that is a WebSocket. */
function offered (client: Client, resolution: Resolution, { protocol = '' }: CheckedRules, chosen: string): string[] {
  if (resolution.protocol != null || (client.kind === 'ws' && protocol !== '*')) {
    return chosen === '' ? [] : [chosen]
  }

  return protocol === '*' ? [...client.request.subprotocols] : [protocol].flat().filter(name => name !== '')
}
