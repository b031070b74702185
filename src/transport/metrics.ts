/**
 * The counters of one transport. Names and labels that `@libp2p/websockets` has are the same here, so that
 * dashboards keep working.
 */
import type { Channel } from '../channel/channel.ts'
import type { CounterGroup, MetricGroup, Metrics } from '@libp2p/interface'

/** What a listener tells about itself when metrics are collected. */
export interface ListenerState {
  readonly label: string
  readonly connections: number
}

/** Every group is undefined on a node without metrics. */
export class TransportMetrics {
  readonly dialerEvents?: CounterGroup
  readonly handshakeFailures?: CounterGroup
  readonly drops?: CounterGroup
  readonly listenerStatus?: MetricGroup
  readonly listenerErrors?: CounterGroup
  readonly listenerEvents?: CounterGroup
  /** Those that listen now. */
  readonly listeners = new Set<ListenerState>()

  /** Somebody asks how much goes in and out. */
  readonly #counting: boolean
  readonly #channels = new Set<Channel>()
  #bytesIn = 0
  #bytesOut = 0
  /** What the counter of bytes has. */
  #counted = { in: 0, out: 0 }

  constructor (metrics?: Metrics) {
    this.#counting = metrics != null
    this.dialerEvents = metrics?.registerCounterGroup('libp2p_websockets_dialer_events_total', {
      label: 'event',
      help: 'Total count of WebSockets dialer events by type'
    })
    this.handshakeFailures = metrics?.registerCounterGroup('libp2p_websockets_handshake_failures_total', {
      label: 'stage',
      help: 'Total count of connections that failed before they were a WebSocket, by direction and stage'
    })
    this.drops = metrics?.registerCounterGroup('libp2p_websockets_drops_total', {
      label: 'reason',
      help: 'Total count of inbound connections and requests that were refused, by reason'
    })
    this.listenerStatus = metrics?.registerMetricGroup('libp2p_websockets_listener_status_info', {
      label: 'address',
      help: 'Current status of the WebSocket listener socket: 1 listening, 0 not'
    })
    this.listenerErrors = metrics?.registerCounterGroup('libp2p_websockets_listener_errors_total', {
      label: 'address',
      help: 'Total count of WebSocket listener errors by type'
    })
    this.listenerEvents = metrics?.registerCounterGroup('libp2p_websockets_listener_events_total', {
      label: 'address',
      help: 'Total count of WebSocket listener events by type'
    })
    metrics?.registerMetricGroup('libp2p_websockets_inbound_connections_total', {
      label: 'address',
      help: 'Current active connections in WebSocket listener',
      calculate: () => this.#connections()
    })
    metrics?.registerCounterGroup('libp2p_websockets_bytes_total', {
      label: 'direction',
      help: 'Total count of payload bytes by direction',
      calculate: () => this.#bytes()
    })
  }

  /** Count the bytes of a new channel. Nothing happens per message: open channels are summed up when asked. */
  track (channel: Channel): void {
    if (!this.#counting) {
      return
    }

    this.#channels.add(channel)

    void channel.closed.then(() => {
      this.#channels.delete(channel)
      this.#bytesIn += channel.bytesIn
      this.#bytesOut += channel.bytesOut
    })
  }

  #connections (): Record<string, number> {
    return Object.fromEntries([...this.listeners].map(({ label, connections }) => [label, connections]))
  }

  /** Those since it was asked last: what is calculated for a counter is added to it. */
  #bytes (): Record<string, number> {
    const open = [...this.#channels]
    const counted = this.#counted
    const total = {
      in: open.reduce((sum, { bytesIn }) => sum + bytesIn, this.#bytesIn),
      out: open.reduce((sum, { bytesOut }) => sum + bytesOut, this.#bytesOut)
    }
    this.#counted = total

    return { in: total.in - counted.in, out: total.out - counted.out }
  }
}
