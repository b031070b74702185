/**
 * A libp2p listener: listens on one address, once, and upgrades what comes in. Where, and what that is, is the business of
 * the class that extends it.
 */
import { AlreadyStartedError } from '@libp2p/interface'
import { TypedEventEmitter, setMaxListeners } from 'main-event'
import type { Listener, ListenerEvents, Logger, MultiaddrConnection, Upgrader } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export abstract class SingleListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  protected readonly log: Logger
  readonly #upgrader: Upgrader
  readonly #shutdown = new AbortController()
  #starting?: Promise<void>
  #closing?: Promise<void>

  constructor (upgrader: Upgrader, log: Logger) {
    super()

    this.#upgrader = upgrader
    this.log = log
    // every upgrade in flight listens to it
    setMaxListeners(Infinity, this.#shutdown.signal)
  }

  /**
   * @throws {AlreadyStartedError} it listens, or has been closed: a listener is used once
   * @throws {ListenError} the address is taken, or not of this machine
   * @throws {InvalidMultiaddrError} an address that cannot be listened on
   */
  async listen (ma: Multiaddr): Promise<void> {
    if (this.#starting != null || this.closing) {
      throw new AlreadyStartedError('a listener listens on one address, once')
    }

    this.#starting = this.start(ma)

    try {
      await this.#starting
    } catch (err) {
      this.#starting = undefined
      throw err
    }
  }

  /**
   * Stop listening, abort upgrades in flight, and close connections. Takes bounded time whatever the peers do.
   * The `close` event comes later, never during the call.
   */
  async close (): Promise<void> {
    this.#closing ??= this.#close()

    return this.#closing
  }

  abstract getAddrs (): Multiaddr[]
  abstract updateAnnounceAddrs (addrs: Multiaddr[]): void

  /** `close` has been called. */
  protected get closing (): boolean {
    return this.#shutdown.signal.aborted
  }

  protected abstract start (ma: Multiaddr): Promise<void>

  /** It has started, or failed to. */
  protected abstract stop (): Promise<void>

  protected countError (type: string): void {}

  /** Never rejects. */
  protected async upgrade (conn: MultiaddrConnection): Promise<void> {
    try {
      await this.#upgrader.upgradeInbound(conn, { signal: this.#shutdown.signal })
    } catch (err: any) {
      this.log.error('inbound connection from %a failed to upgrade - %e', conn.remoteAddr, err)
      this.countError('inbound_upgrade')
      // the upgrader leaves the connection as it is
      conn.abort(err)
    }
  }

  async #close (): Promise<void> {
    this.#shutdown.abort()
    // `listen` reports its own failure
    await this.#starting?.catch(() => {})
    await this.stop()
  }
}
