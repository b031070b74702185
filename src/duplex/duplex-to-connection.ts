import { BoundedConnection } from '../connection.ts'
import { MAX_OUTBOUND_MESSAGE } from '../constants.ts'
import { Feed } from './feed.ts'
import { iterate, release } from './iterate.ts'
import type { Source, SourceIterator } from './iterate.ts'
import type { BoundedConnectionInit } from '../connection.ts'
import type { MultiaddrConnection } from '@libp2p/interface'
import type { SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'

/** Any it-stream duplex of bytes; boundaries between its values mean nothing. */
export interface ByteDuplex {
  source: Source<Uint8Array | Uint8ArrayList>
  sink (source: AsyncIterable<Uint8Array>): Promise<unknown>
  /** Called, and awaited, after `sink` at the end of a graceful close. */
  close?(): Promise<void> | void
  /**
   * Called when the connection is aborted or fails; what it throws is logged. Without it the end of `source` and
   * `sink` has to do.
   */
  destroy?(error?: Error): Promise<void> | void
}

export interface DuplexConnectionInit extends BoundedConnectionInit {
  /**
   * Largest value given to `sink`, bytes; more is split.
   *
   * @default 131_072
   */
  maxMessageSize?: number

  /**
   * Unread bytes over which the connection is aborted. It takes no more than one value from `source`, of any size.
   *
   * @default Infinity
   */
  maxReadBufferLength?: number
}

/**
 * Make a connection of a duplex, for an upgrader to add encryption and a muxer to.
 *
 * - **Writing.** One value at a time waits for `sink` to take it; while it waits `send` returns false.
 * - **Reading.** `source` is asked for a value when the one before it has been read: while the connection is
 * paused, or nobody listens to `message`, one value is held. After a close it can still be read.
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
  readonly #outbound: Feed<Uint8Array>
  readonly #inbound: SourceIterator<Uint8Array | Uint8ArrayList>
  readonly #written: Promise<void>
  /** Resolves when what was delivered has been read, or never will be. */
  #delivery?: PromiseWithResolvers<void>
  #stopTimer?: ReturnType<typeof setTimeout>

  constructor (duplex: ByteDuplex, init: DuplexConnectionInit) {
    // first, because what throws here must leave nothing behind
    const inbound = iterate(duplex.source)

    super({
      ...init,
      maxMessageSize: init.maxMessageSize ?? MAX_OUTBOUND_MESSAGE,
      maxReadBufferLength: init.maxReadBufferLength ?? Infinity
    })

    this.#duplex = duplex
    this.#inbound = inbound
    this.#outbound = new Feed({
      onTaken: () => {
        this.touch()
        this.safeDispatchEvent('drain')
      },
      onReturn: () => { this.#onSinkStopped() }
    })
    this.addEventListener('close', ({ error }) => { this.#onClose(error) })

    this.#written = this.#write()
    void this.#read()
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
    // a value that is not read is the last one asked for
  }

  sendResume (): void {
    // the read buffer is emptied before this
  }

  protected dispatchReadBuffer (): void {
    super.dispatchReadBuffer()

    if (this.readBufferLength === 0) {
      this.#delivery?.resolve()
    }
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

      while (next.done !== true && await this.#deliver(next.value)) {
        next = await this.#inbound.next()
      }

      this.onTransportClosed()
    } catch (err) {
      this.onRemoteReset(toError(err))
    }
  }

  /** Returns with true when the value has been read, with false when the connection has ended before. */
  async #deliver (value: Uint8Array | Uint8ArrayList): Promise<boolean> {
    if (this.timeline.close == null) {
      this.onData(value)
    }

    if (this.timeline.close == null && this.readBufferLength > 0) {
      this.#delivery = Promise.withResolvers()
      await this.#delivery.promise
    }

    return this.timeline.close == null
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
    this.#delivery?.resolve()
    release(this.#inbound)

    if (error == null) {
      this.#outbound.end()
    } else {
      this.#outbound.fail(error)
      void this.#destroy(error)
    }
  }

  /** Never rejects: nobody is left to tell. */
  async #destroy (error: Error): Promise<void> {
    try {
      await this.#duplex.destroy?.(error)
    } catch (err) {
      this.log.error('could not destroy the duplex - %e', err)
    }
  }
}

function toError (err: unknown): Error {
  return err instanceof Error ? err : new Error(String(err))
}
