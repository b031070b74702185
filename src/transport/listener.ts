/**
 * One libp2p listener: an address listened on, certificates as they come, and an upgrade for each WebSocket.
 */
import { AlreadyStartedError } from '@libp2p/interface'
import { TypedEventEmitter, setMaxListeners } from 'main-event'
import { formatAddress, parseAddress } from '../address/index.ts'
import { listen } from '../server/index.ts'
import { channelOptions } from './channel-options.ts'
import { ChannelConnection } from './channel-to-conn.ts'
import type { ListenerState, TransportMetrics } from './metrics.ts'
import type { Address } from '../address/index.ts'
import type { Channel } from '../channel/channel.ts'
import type { WebSocketsComponents, WebSocketsInit } from '../index.ts'
import type { HttpServers, Server } from '../server/index.ts'
import type { CreateListenerOptions, Listener, ListenerEvents, Logger, TLSCertificate } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export type WebSocketListenerInit = WebSocketsInit & CreateListenerOptions

export class WebSocketListener extends TypedEventEmitter<ListenerEvents> implements Listener, ListenerState {
  /** Host and port, or the path of the Unix socket: what its metrics are labelled with. */
  label = ''

  readonly #components: WebSocketsComponents
  readonly #metrics: TransportMetrics
  readonly #servers: HttpServers
  readonly #init: WebSocketListenerInit
  readonly #log: Logger
  readonly #connectionLog: Logger
  readonly #shutdown = new AbortController()
  #server?: Server
  #certificate?: TLSCertificate
  /** How many addresses the last `listening` event was about. */
  #announced = 0
  #starting?: Promise<void>
  #closing?: Promise<void>

  constructor (components: WebSocketsComponents, metrics: TransportMetrics, servers: HttpServers, init: WebSocketListenerInit) {
    super()

    this.#components = components
    this.#metrics = metrics
    this.#servers = servers
    this.#init = init
    this.#log = components.logger.forComponent('libp2p:websockets:listener')
    this.#connectionLog = components.logger.forComponent('libp2p:websockets:connection')
    // every upgrade in flight listens to it
    setMaxListeners(Infinity, this.#shutdown.signal)
  }

  get connections (): number {
    return this.#server?.channels ?? 0
  }

  /**
   * @throws {AlreadyStartedError} it listens, or has been closed: a listener is used once
   * @throws {ListenError} the address is taken, or not of this machine
   * @throws {InvalidMultiaddrError} an address that cannot be listened on
   */
  async listen (ma: Multiaddr): Promise<void> {
    if (this.#starting != null || this.#closing != null) {
      throw new AlreadyStartedError('a listener listens on one address, once')
    }

    this.#starting = this.#start(ma)

    try {
      await this.#starting
    } catch (err: any) {
      this.#starting = undefined
      this.#stopCertificates()
      this.#log.error('could not listen on %a - %e', ma, err)
      this.#countError('listen_error')
      throw err
    }
  }

  getAddrs (): Multiaddr[] {
    return this.#server?.addresses ?? []
  }

  /** Nothing to amend: all that a dialler needs is in the address before the node starts. */
  updateAnnounceAddrs (): void {}

  /**
   * Stop listening, abort upgrades in flight, and close connections. Takes bounded time whatever the peers do.
   * The `close` event comes later, never during the call.
   */
  async close (): Promise<void> {
    this.#closing ??= this.#stop()

    return this.#closing
  }

  async #start (ma: Multiaddr): Promise<void> {
    // a peer id says who listens, not where
    const address = { ...parseAddress(ma), peerId: undefined }

    this.label = label(address)
    this.#components.events.addEventListener('certificate:provision', this.#onCertificate)
    this.#components.events.addEventListener('certificate:renew', this.#onCertificate)

    this.#server = await listen(formatAddress(address), {
      ...channelOptions(this.#init),
      servers: this.#servers,
      http: this.#init.http,
      https: this.#init.https,
      onrequest: this.#init.onrequest,
      verify: this.#init.verify,
      onconnection: () => { this.#countEvent('connection') },
      ondrop: (reason) => {
        this.#countEvent('drop')
        this.#metrics.drops?.increment({ [reason]: true })
      },
      onhandshakefailed: (stage, err) => {
        this.#log('inbound connection failed at %s - %e', stage, err)
        this.#metrics.handshakeFailures?.increment({ [`inbound_${stage}`]: true })
      },
      onerror: (err) => { this.#onError(err) }
    }, (channel) => { void this.#upgrade(this.#connection(channel)) })

    const [bound] = this.#server.addresses

    this.label = label({ ...address, port: bound == null ? address.port : parseAddress(bound).port })
    this.#metrics.listeners.add(this)
    this.#metrics.listenerStatus?.update({ [this.label]: 1 })

    this.#useCertificate()
    this.safeDispatchEvent('listening')
  }

  async #stop (): Promise<void> {
    this.#stopCertificates()
    this.#shutdown.abort()
    // `listen` reports its own failure
    await this.#starting?.catch(() => {})

    if (this.#server == null) {
      return
    }

    await this.#server.close()
    this.#metrics.listeners.delete(this)
    this.#metrics.listenerStatus?.update({ [this.label]: 0 })
    this.safeDispatchEvent('close')
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

  /** Never rejects. */
  async #upgrade (conn: ChannelConnection): Promise<void> {
    try {
      await this.#init.upgrader.upgradeInbound(conn, { signal: this.#shutdown.signal })
    } catch (err: any) {
      this.#log.error('inbound connection from %a failed to upgrade - %e', conn.remoteAddr, err)
      this.#countError('inbound_upgrade')
      // the upgrader leaves the connection as it is
      conn.abort(err)
    }
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
    this.#log.error('listener failed - %e', err)
    this.#countError('error')
    this.safeDispatchEvent('error', { detail: err })
  }

  #countEvent (type: string): void {
    this.#metrics.listenerEvents?.increment({ [`${this.label} ${type}`]: true })
  }

  #countError (type: string): void {
    this.#metrics.listenerErrors?.increment({ [`${this.label} ${type}`]: true })
  }
}

function label ({ host, port, unixPath }: Address): string {
  return unixPath ?? `${host}:${port}`
}
