/**
 * One libp2p listener: an address listened on, certificates as they come, and an upgrade for each WebSocket.
 */
import { formatAddress, parseAddress } from '../address/index.ts'
import { SingleListener } from '../listener.ts'
import { listen } from '../server/index.ts'
import { channelOptions } from './channel-options.ts'
import { ChannelConnection } from './channel-to-conn.ts'
import { serverOptions } from './server-options.ts'
import type { ListenerState, TransportMetrics } from './metrics.ts'
import type { Address } from '../address/index.ts'
import type { Channel } from '../channel/channel.ts'
import type { WebSocketsComponents, WebSocketsInit } from '../index.ts'
import type { HttpServers, Server } from '../server/index.ts'
import type { CreateListenerOptions, Logger, TLSCertificate } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export type WebSocketListenerInit = WebSocketsInit & CreateListenerOptions

export class WebSocketListener extends SingleListener implements ListenerState {
  /** Host and port, or the path of the Unix socket: what its metrics are labelled with. */
  label = ''

  readonly #components: WebSocketsComponents
  readonly #metrics: TransportMetrics
  readonly #servers: HttpServers
  readonly #init: WebSocketListenerInit
  readonly #connectionLog: Logger
  #server?: Server
  #certificate?: TLSCertificate

  constructor (components: WebSocketsComponents, metrics: TransportMetrics, servers: HttpServers, init: WebSocketListenerInit) {
    super(init.upgrader, components.logger.forComponent('libp2p:websockets:listener'))

    this.#components = components
    this.#metrics = metrics
    this.#servers = servers
    this.#init = init
    this.#connectionLog = components.logger.forComponent('libp2p:websockets:connection')
  }

  get connections (): number {
    return this.#server?.channels ?? 0
  }

  getAddrs (): Multiaddr[] {
    return this.#server?.addresses ?? []
  }

  /** Nothing to amend: all that a dialler needs is in the address before the node starts. */
  updateAnnounceAddrs (): void {}

  protected async start (ma: Multiaddr): Promise<void> {
    try {
      await this.#start(ma)
    } catch (err: any) {
      this.#stopCertificates()
      this.log.error('could not listen on %a - %e', ma, err)
      this.countError('listen_error')
      throw err
    }
  }

  protected async stop (): Promise<void> {
    this.#stopCertificates()

    if (this.#server == null) {
      return
    }

    await this.#server.close()
    this.#metrics.listeners.delete(this)
    this.#metrics.listenerStatus?.update({ [this.label]: 0 })
    this.safeDispatchEvent('close')
  }

  protected override countError (type: string): void {
    this.#metrics.listenerErrors?.increment({ [`${this.label} ${type}`]: true })
  }

  async #start (ma: Multiaddr): Promise<void> {
    // a peer id says who listens, not where
    const address = { ...parseAddress(ma), peerId: undefined }

    this.label = label(address)
    this.#components.events.addEventListener('certificate:provision', this.#onCertificate)
    this.#components.events.addEventListener('certificate:renew', this.#onCertificate)

    this.#server = await listen(formatAddress(address), {
      ...channelOptions(this.#init),
      ...serverOptions(this.#init),
      servers: this.#servers,
      onconnection: () => { this.#countEvent('connection') },
      ondrop: (reason) => {
        this.#countEvent('drop')
        this.#metrics.drops?.increment({ [reason]: true })
      },
      onhandshakefailed: (stage, err) => {
        this.log('inbound connection failed at %s - %e', stage, err)
        this.#metrics.handshakeFailures?.increment({ [`inbound_${stage}`]: true })
      },
      onerror: (err) => { this.#onError(err) }
    }, (channel) => { void this.upgrade(this.#connection(channel)) })

    const [bound] = this.#server.addresses

    this.label = label({ ...address, port: bound == null ? address.port : parseAddress(bound).port })
    this.#metrics.listeners.add(this)
    this.#metrics.listenerStatus?.update({ [this.label]: 1 })

    this.#useCertificate()
    this.safeDispatchEvent('listening')
  }

  #connection (channel: Channel): ChannelConnection {
    this.#metrics.track(channel)

    return new ChannelConnection({
      channel,
      remoteAddr: formatAddress(channel.remote),
      direction: 'inbound',
      log: this.#connectionLog,
      metrics: this.#metrics.listenerEvents,
      metricPrefix: `${this.label} `,
      closeTimeout: this.#init.closeTimeout,
      inactivityTimeout: this.#init.inactivityTimeout
    })
  }

  readonly #onCertificate = ({ detail }: CustomEvent<TLSCertificate>): void => {
    const before = this.getAddrs().length

    this.#certificate = detail
    this.#useCertificate()

    if (this.getAddrs().length !== before) {
      this.safeDispatchEvent('listening')
    }
  }

  /** One that comes before the server waits for it. */
  #useCertificate (): void {
    if (this.#server == null || this.#certificate == null) {
      return
    }

    try {
      this.#server.setCertificate(this.#certificate)
    } catch (err: any) {
      this.#onError(err)
    }
  }

  #stopCertificates (): void {
    this.#components.events.removeEventListener('certificate:provision', this.#onCertificate)
    this.#components.events.removeEventListener('certificate:renew', this.#onCertificate)
  }

  #onError (err: Error): void {
    this.log.error('listener failed - %e', err)
    this.countError('error')
    this.safeDispatchEvent('error', { detail: err })
  }

  #countEvent (type: string): void {
    this.#metrics.listenerEvents?.increment({ [`${this.label} ${type}`]: true })
  }
}

function label ({ host, port, unixPath }: Address): string {
  return unixPath ?? `${host}:${port}`
}
