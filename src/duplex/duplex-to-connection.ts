import { BoundedConnection } from '../connection.ts'
import { MAX_OUTBOUND_MESSAGE } from '../constants.ts'
import { Handover } from './handover.ts'
import { iterate, release } from './iterate.ts'
import type { Source, SourceIterator } from './iterate.ts'
import type { BoundedConnectionInit } from '../connection.ts'
import type { EventHandler, MessageStreamEvents, MultiaddrConnection } from '@libp2p/interface'
import type { SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'

/** Any it-stream duplex of bytes; boundaries between its values mean nothing. */
export interface ByteDuplex {
  source: Source<Uint8Array | Uint8ArrayList>
  sink (source: AsyncIterable<Uint8Array>): Promise<unknown>
  /** Called, and awaited, after `sink` at the end of a graceful close. */
  close?(): Promise<void> | void
  /** Called when the connection is aborted or fails. Without it the end of `source` and `sink` has to do. */
  destroy?(error?: Error): void
}

export interface DuplexConnectionInit extends BoundedConnectionInit {
  /**
   * Largest value given to `sink`, bytes; more is split.
   *
   * @default 131_072
   */
  maxMessageSize?: number
}

/**
 * Make a connection of a duplex, for an upgrader to add encryption and a muxer to.
 *
 * - **Writing.** One value at a time waits for `sink` to take it; while it waits `send` returns false.
 * - **Reading.** `source` is asked for a value when the one before it has been taken: while the connection is
 * paused, or nobody listens to `message`, one value is held.
 * - **The end.** When `source` ends the connection is closed, when `source` or `sink` throws it is reset, with
 * that error as the cause. `sink` may resolve before it has seen the end of what it was given, as it-pair's does;
 * but if it stops taking, `source` has to end within `closeTimeout`.
 * - **`close()`** ends what `sink` is given, waits until it resolves, then calls `close` of the duplex.
 * **`abort()`** throws the error into `sink`, and calls `destroy`. Both release `source`.
 *
 * @param duplex - owned by the connection from now on
 * @param init - `remoteAddr`, `direction`, `log`; optional limits
 */
export function duplexToConnection (duplex: ByteDuplex, init: DuplexConnectionInit): MultiaddrConnection {
  return new DuplexConnection(duplex, init)
}

class DuplexConnection extends BoundedConnection {
  readonly #duplex: ByteDuplex
  readonly #outbound: Handover<Uint8Array>
  readonly #inbound: SourceIterator<Uint8Array | Uint8ArrayList>
  readonly #written: Promise<void>
  /** Resolves when something `#canDeliver` looks at has changed. */
  #changed = Promise.withResolvers<void>()
  #stopTimer?: ReturnType<typeof setTimeout>

  constructor (duplex: ByteDuplex, init: DuplexConnectionInit) {
    super({ ...init, maxMessageSize: init.maxMessageSize ?? MAX_OUTBOUND_MESSAGE })

    this.#duplex = duplex
    this.#inbound = iterate(duplex.source)
    this.#outbound = new Handover({
      onTaken: () => { this.safeDispatchEvent('drain') },
      onReturn: () => { this.#onSinkStopped() }
    })
    this.addEventListener('close', ({ error }) => { this.#onClose(error) })

    this.#written = this.#write()
    void this.#read()
  }

  addEventListener<K extends keyof MessageStreamEvents>(type: K, listener: EventHandler<MessageStreamEvents[K]> | null, options?: boolean | AddEventListenerOptions): void
  addEventListener (type: string, listener: EventHandler<Event>, options?: boolean | AddEventListenerOptions): void
  addEventListener (type: string, listener: any, options?: boolean | AddEventListenerOptions): void {
    super.addEventListener(type, listener, options)

    if (type === 'message') {
      this.#onChanged()
    }
  }

  sendData (data: Uint8ArrayList): SendResult {
    const sentBytes = data.byteLength

    return { sentBytes, canSendMore: this.#outbound.put(data.subarray()) }
  }

  async sendClose (): Promise<void> {
    this.#outbound.end()
    await this.#written
    await this.#duplex.close?.()
  }

  sendReset (): void {
    // whatever resets the connection dispatches `close`, and that is where the duplex ends
  }

  sendPause (): void {
    // the reader looks before each delivery
  }

  sendResume (): void {
    this.#onChanged()
  }

  async #write (): Promise<void> {
    try {
      await this.#duplex.sink(this.#outbound)
    } catch (err) {
      this.onRemoteReset(toError(err))
    }
  }

  async #read (): Promise<void> {
    try {
      let next = await this.#inbound.next()

      while (next.done !== true && await this.#canDeliver()) {
        this.onData(next.value)
        next = await this.#inbound.next()
      }

      this.onTransportClosed()
    } catch (err) {
      this.onRemoteReset(toError(err))
    }
  }

  /** Resolves with true when somebody takes what is delivered, with false when the connection has ended before. */
  async #canDeliver (): Promise<boolean> {
    while (this.timeline.close == null && (this.readStatus === 'paused' || this.listenerCount('message') === 0)) {
      await this.#changed.promise
    }

    return this.timeline.close == null
  }

  #onChanged (): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }

  /** The other end takes no more: it has closed, and the source will say so, or it is broken. */
  #onSinkStopped (): void {
    if (this.status === 'open') {
      this.#stopTimer = setTimeout(() => {
        this.onRemoteReset(new Error('the sink stopped before its source ended'))
      }, this.closeTimeout)
    }
  }

  #onClose (error?: Error): void {
    clearTimeout(this.#stopTimer)
    this.#onChanged()
    this.#outbound.end(error)
    release(this.#inbound)

    if (error != null) {
      this.#duplex.destroy?.(error)
    }
  }
}

function toError (err: unknown): Error {
  return err instanceof Error ? err : new Error(String(err))
}
