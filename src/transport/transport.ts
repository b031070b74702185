/**
 * The libp2p transport: which addresses are ours, and a dial from the first packet to the upgraded connection.
 */
import { serviceCapabilities, transportSymbol } from '@libp2p/interface'
import { CustomProgressEvent } from 'progress-events'
import { HttpServers } from '../server/index.ts'
import { channelOptions, dialOptions } from './channel-options.ts'
import { ChannelConnection } from './channel-to-conn.ts'
import { dial } from './dial.ts'
import { dialFilter, listenFilter } from './filter.ts'
import { WebSocketListener } from './listener.ts'
import { TransportMetrics } from './metrics.ts'
import type { Channel } from '../channel/channel.ts'
import type { DialStage } from '../errors.ts'
import type { WebSocketsComponents, WebSocketsDialEvents, WebSocketsInit } from '../index.ts'
import type { Connection, CreateListenerOptions, DialTransportOptions, Listener, Logger, Transport } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export class WebSockets implements Transport<WebSocketsDialEvents> {
  readonly [transportSymbol] = true

  // The tag of @libp2p/websockets, on purpose. Code that looks the transport up by it keeps working, and a node
  // that is given both refuses to start. With a tag of our own both would bind every listen address, and which of
  // the two dials would depend on their order.
  readonly [Symbol.toStringTag] = '@libp2p/websockets'

  readonly [serviceCapabilities]: string[] = ['@libp2p/transport']

  readonly #components: WebSocketsComponents
  readonly #init: WebSocketsInit
  readonly #log: Logger
  /** One for all connections: making a logger costs more memory than the rest of an idle connection. */
  readonly #connectionLog: Logger
  readonly #metrics: TransportMetrics
  /** Listeners on one port share it. */
  readonly #servers: HttpServers

  constructor (components: WebSocketsComponents, init: WebSocketsInit) {
    this.#components = components
    this.#init = init
    this.#servers = init.servers ?? new HttpServers()
    this.#log = components.logger.forComponent('libp2p:websockets')
    this.#connectionLog = components.logger.forComponent('libp2p:websockets:connection')
    this.#metrics = new TransportMetrics(components.metrics)
  }

  listenFilter (multiaddrs: Multiaddr[]): Multiaddr[] {
    return listenFilter(multiaddrs)
  }

  dialFilter (multiaddrs: Multiaddr[]): Multiaddr[] {
    return dialFilter(multiaddrs, this.#init)
  }

  createListener ({ upgrader }: CreateListenerOptions): Listener {
    return new WebSocketListener(this.#components, this.#metrics, this.#servers, { ...this.#init, upgrader })
  }

  async dial (ma: Multiaddr, options: DialTransportOptions<WebSocketsDialEvents>): Promise<Connection> {
    const channel = await this.#connect(ma, options)
    const conn = new ChannelConnection({
      channel,
      remoteAddr: ma,
      direction: 'outbound',
      log: this.#connectionLog,
      metrics: this.#metrics.dialerEvents,
      closeTimeout: this.#init.closeTimeout,
      inactivityTimeout: this.#init.inactivityTimeout
    })

    try {
      return await options.upgrader.upgradeOutbound(conn, options)
    } catch (err: any) {
      // the upgrader leaves the connection as it is
      conn.abort(err)
      throw err
    }
  }

  async #connect (ma: Multiaddr, { signal, onProgress }: DialTransportOptions<WebSocketsDialEvents>): Promise<Channel> {
    let stage: DialStage | undefined

    this.#log('dialing %a', ma)
    onProgress?.(new CustomProgressEvent('websockets:open-connection'))

    try {
      const channel = await dial(ma, {
        ...channelOptions(this.#init),
        ...dialOptions(this.#init),
        signal,
        onProgress: (next) => {
          stage = next
          onProgress?.(new CustomProgressEvent(`websockets:${next}`))
        }
      })

      this.#metrics.dialerEvents?.increment({ connect: true })
      this.#metrics.track(channel)

      return channel
    } catch (err: any) {
      this.#log.error('could not dial %a - %e', ma, err)

      const aborted = err.name === 'AbortError'
      this.#metrics.dialerEvents?.increment({ [aborted ? 'abort' : 'error']: true })

      if (!aborted) {
        this.#metrics.handshakeFailures?.increment({ [`outbound_${stage}`]: true })
      }

      throw err
    }
  }
}
