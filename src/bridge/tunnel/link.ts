/** Keeps a connection to a peer: dials, and dials again when it is lost, however that came. */
import { ConnectionClosedError } from '@libp2p/interface'
import { raceSignal } from 'race-signal'
import { sleep } from '../../backoff.ts'
import { bounded } from './bounded.ts'
import type { Backoff } from '../../backoff.ts'
import type { Connection } from '@libp2p/interface'

export interface LinkEvents {
  /** It is there, for the first time or again. */
  onconnected? (connection: Connection): void
  /** It was lost, or could not be had; it is tried again. */
  onlost? (error: Error): void
}

export class Link {
  readonly #connect: (signal: AbortSignal) => Promise<Connection>
  readonly #backoff: Backoff
  readonly #events: LinkEvents
  readonly #stop = new AbortController()
  /** Of those who wait for a connection; a new one for each connection. */
  #connected = Promise.withResolvers<Connection>()
  #current: Connection | undefined
  #kept: Promise<void> | undefined

  /**
   * @param connect - dials; the connection belongs to the node
   * @param backoff - the waits between dials
   * @param events - told what happens
   */
  constructor (connect: (signal: AbortSignal) => Promise<Connection>, backoff: Backoff, events: LinkEvents = {}) {
    this.#connect = connect
    this.#backoff = backoff
    this.#events = events
    // nobody may be waiting when it is closed
    this.#connected.promise.catch(() => {})
  }

  /**
   * Make the first connection, and keep one from then on.
   *
   * @throws {Error} the first dial failed; nothing is kept
   */
  async start (signal?: AbortSignal): Promise<void> {
    const { signal: stopped } = this.#stop

    await this.#open(signal == null ? stopped : AbortSignal.any([signal, stopped]))
    this.startInBackground()
  }

  /** Keep a connection, from the first dial on. */
  startInBackground (): void {
    this.#kept = this.#keep()
  }

  /**
   * The connection, or the next one.
   *
   * @param timeout - how long to wait for it, ms
   * @param signal - ends the wait with its reason
   * @throws {TimeoutError} it was not there in time
   * @throws {ConnectionClosedError} the link was closed
   */
  async connection (timeout: number, signal: AbortSignal): Promise<Connection> {
    return bounded(timeout, signal, async signal => raceSignal(this.#connected.promise, signal, {
      translateError: () => signal.reason
    }))
  }

  /** Keep no connection any more. The one that is there stays open: it belongs to the node. */
  async close (): Promise<void> {
    this.#stop.abort()
    this.#connected.reject(new ConnectionClosedError('the tunnel was closed'))
    await this.#kept
  }

  async #open (signal: AbortSignal): Promise<Connection> {
    const connection = await this.#connect(signal)

    this.#current = connection
    this.#connected.resolve(connection)
    this.#events.onconnected?.(connection)

    return connection
  }

  async #keep (): Promise<void> {
    const { signal } = this.#stop

    while (!signal.aborted) {
      try {
        const connection = this.#current ?? await this.#open(signal)
        const since = performance.now()
        const error = await closed(connection, signal)

        // one that takes connections only to end them is left alone for longer
        if (performance.now() - since > this.#backoff.bound) {
          this.#backoff.reset()
        }

        this.#lost(error)
      } catch (error: any) {
        this.#lost(error)
      }

      await sleep(this.#backoff.next(), signal)
    }
  }

  #lost (error: Error): void {
    if (this.#stop.signal.aborted) {
      return
    }

    if (this.#current != null) {
      this.#current = undefined
      this.#connected = Promise.withResolvers()
      this.#connected.promise.catch(() => {})
    }

    this.#events.onlost?.(error)
  }
}

/** Resolves with why a connection ended, or when the signal fires. */
async function closed (connection: Connection, signal: AbortSignal): Promise<Error> {
  const ended = new ConnectionClosedError('the connection was closed')

  return connection.status !== 'open' || signal.aborted
    ? ended
    : new Promise<Error>(resolve => {
      const done = ({ error }: { error?: Error }): void => {
        connection.removeEventListener('close', onclose)
        signal.removeEventListener('abort', onabort)
        resolve(error ?? ended)
      }
      const onclose = (event: { error?: Error }): void => { done(event) }
      const onabort = (): void => { done({}) }

      connection.addEventListener('close', onclose)
      signal.addEventListener('abort', onabort)
    })
}
