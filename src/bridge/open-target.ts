/** From a request to its target, opened, or to the reason why there is none. */
import { dialTarget } from './dial.ts'
import { proxyHeader } from './proxy-header.ts'
import { framingOf } from './rules.ts'
import { chooseProtocol, offeredProtocols } from './subprotocol.ts'
import { formatTarget, parseTarget } from './target.ts'
import type { Endpoint } from './endpoint.ts'
import type { RefusalReason } from './metrics.ts'
import type { BridgeOptions } from './options.ts'
import type { ClientEnds } from './proxy-header.ts'
import type { RelayOptions } from './relay.ts'
import type { BridgeRequest, Resolution } from './resolver.ts'
import type { CheckedRules } from './rules.ts'
import type { Target } from './target.ts'
import type { ChannelMode } from '../channel/index.ts'

export interface OpenTarget {
  readonly target: Endpoint
  /** What a WebSocket client is answered, `''` for none. */
  readonly protocol: string
  /** Of a WebSocket client. */
  readonly mode: ChannelMode
  /** Between the client, `a`, and the target, `b`. */
  readonly relay: RelayOptions
}

export interface Client {
  readonly request: BridgeRequest
  readonly ends: ClientEnds
  readonly isWebSocket: boolean
  /** It comes as datagrams. */
  readonly isDatagram: boolean
}

/** Why there is no target; for 404 and 403 there is no error. */
export class NoTarget {
  readonly reason: RefusalReason
  readonly error?: Error

  constructor (reason: RefusalReason, error?: Error) {
    this.reason = reason
    this.error = error
  }
}

/** Never rejects. */
export async function openTarget (client: Client, rules: CheckedRules, options: BridgeOptions): Promise<OpenTarget | NoTarget> {
  let where: { resolution: Resolution, target: Target }

  try {
    const resolution = await rules.resolve(client.request)

    if (resolution == null || resolution === false) {
      return new NoTarget(resolution === false ? 'forbidden' : 'not_found')
    }

    where = { resolution: { protocol: rules.protocol, framing: rules.framing, ...resolution }, target: parseTarget(resolution.target) }
  } catch (error: any) {
    return new NoTarget('error', error)
  }

  try {
    return await open(client, where.target, where.resolution, rules, options)
  } catch (error: any) {
    return new NoTarget(REASONS[error.name] ?? 'unreachable', error)
  }
}

const REASONS: Record<string, RefusalReason> = {
  AbortError: 'left',
  InvalidParametersError: 'error',
  TimeoutError: 'timeout'
}

async function open (client: Client, target: Target, { protocol, framing }: Resolution, rules: CheckedRules, options: BridgeOptions): Promise<OpenTarget> {
  const { request, isWebSocket } = client
  const toWebSocket = target.kind === 'ws'
  // of the end that is no WebSocket, where the other is one
  const datagrams = isWebSocket ? target.kind === 'udp' : client.isDatagram
  const makeMessages = isWebSocket === toWebSocket ? undefined : framingOf(framing, datagrams)
  const mode = isWebSocket === toWebSocket || datagrams || makeMessages != null ? 'messages' : 'bytes'
  const endpoint = await dialTarget(target, {
    ...options,
    ...options.dial,
    mode,
    signal: request.signal,
    subprotocols: offeredProtocols(protocol, request.protocols)
  })

  if (rules.proxyProtocol != null && (target.kind === 'tcp' || target.kind === 'unix')) {
    endpoint.send(proxyHeader(rules.proxyProtocol, client.ends), false)
  }

  return {
    target: endpoint,
    // what a WebSocket target took
    protocol: chooseProtocol(endpoint.subprotocol ?? protocol, request.protocols),
    mode,
    relay: isWebSocket ? { fromB: makeMessages } : { fromA: makeMessages }
  }
}
