/**
 * The base of every MultiaddrConnection here: `AbstractMultiaddrConnection` with waits that end. It is about
 * promises, timeouts and events only; what carries the bytes is the business of the class that extends it.
 */
import { AbortError, TimeoutError } from '@libp2p/interface'
import { AbstractMultiaddrConnection, StreamClosedError } from '@libp2p/utils'
import { raceSignal } from 'race-signal'
import { CLOSE_TIMEOUT, INACTIVITY_TIMEOUT, MAX_DELAY } from './constants.ts'
import type { AbortOptions, StreamCloseEvent } from '@libp2p/interface'
import type { AbstractMultiaddrConnectionInit } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'

/** How often activity is looked for in each `inactivityTimeout`. */
const LOOKS = 4

/** Whatever the reason of a signal is, people look for the name. */
const ABORTED = { translateError: () => new AbortError() }

export interface BoundedConnectionInit extends AbstractMultiaddrConnectionInit {
  /**
   * A close without progress for this long is an abort, ms. Only a write buffer that drains is progress.
   *
   * @default 3_000
   */
  closeTimeout?: number

  /**
   * Without a byte in either direction for this long, up to a quarter more, the connection is aborted, ms; 0 never is.
   *
   * @default 120_000
   */
  inactivityTimeout?: number
}

/**
 * What the classes that extend it can rely on, and must do:
 * - call `onRemoteReset(cause)` when the other end failed, `onTransportClosed()` when it ended cleanly: as often
 * as they like, only the first counts;
 * - dispatch `drain` after, never inside, a `sendData` that said `canSendMore: false`.
 */
export abstract class BoundedConnection extends AbstractMultiaddrConnection {
  /** One that a timer takes. */
  protected readonly closeTimeout: number
  #closing?: Promise<void>
  #closeError?: Error
  #resetCause?: Error
  #active = false
  #inactivityTimer?: ReturnType<typeof setTimeout>

  constructor (init: BoundedConnectionInit) {
    super({ ...init, inactivityTimeout: init.inactivityTimeout ?? INACTIVITY_TIMEOUT })

    this.closeTimeout = Math.min(init.closeTimeout ?? CLOSE_TIMEOUT, MAX_DELAY)

    if (this.inactivityTimeout > 0) {
      this.#watchInactivity()
    }
  }

  /**
   * Hand over what is unsent, then close. Where the signal fires only the wait ends: the close goes on, within its own
   * time.
   *
   * @throws {TimeoutError} no progress for `closeTimeout` ms; the connection is aborted
   * @throws {AbortError} the signal fired
   * @throws {Error} what ended the connection first
   */
  async close ({ signal }: AbortOptions = {}): Promise<void> {
    if (this.status === 'open') {
      this.#closing = this.#boundedClose()
      // whoever waits is told, and somebody may have stopped waiting
      this.#closing.catch(() => {})
    }

    if (this.#closing != null) {
      await raceSignal(this.#closing, signal, ABORTED)
    }
  }

  /**
   * Resolves when `send` may be called again, at once if that is so now.
   *
   * @throws {StreamClosedError} closed, now or while waiting; the error of the close, if it has one
   * @throws {AbortError} the signal fired
   */
  async onDrain ({ signal }: AbortOptions = {}): Promise<void> {
    if (signal?.aborted === true) {
      throw new AbortError()
    }

    if (this.writeStatus === 'closed') {
      throw this.#closeError ?? new StreamClosedError()
    }

    if (this.writableNeedsDrain) {
      await this.#nextDrain(signal)
    }
  }

  send (data: Uint8Array | Uint8ArrayList): boolean {
    this.touch()
    return super.send(data)
  }

  onData (data: Uint8Array | Uint8ArrayList): void {
    this.touch()
    super.onData(data)
  }

  /** The other end failed: `close` comes with a `StreamResetError` that has this cause. */
  onRemoteReset (cause?: Error): void {
    if (this.status === 'open' || this.status === 'closing') {
      this.#resetCause = cause
      super.onRemoteReset()
    }
  }

  /** Before all listeners of `close`, so that they see the cause; a listener of ours would cost 400 bytes of each idle connection. */
  dispatchEvent (event: Event): boolean {
    if (event.type === 'close') {
      this.#onClose(event as StreamCloseEvent)
    }

    return super.dispatchEvent(event)
  }

  async #boundedClose (): Promise<void> {
    const closed = this.#closed()
    const start = (): NodeJS.Timeout => setTimeout(() => {
      this.abort(new TimeoutError(`Could not close ${this.remoteAddr}: no progress for ${this.closeTimeout} ms`))
    }, this.closeTimeout)
    const onDrain = (): void => {
      clearTimeout(timer)
      timer = start()
    }
    let timer = start()

    this.addEventListener('drain', onDrain)

    try {
      // not awaited: after an abort it may wait for a drain that cannot come
      super.close().catch((err) => { this.abort(err) })
      await closed
    } finally {
      clearTimeout(timer)
      this.removeEventListener('drain', onDrain)
    }
  }

  /** Settles with the `close` event. */
  async #closed (): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.addEventListener('close', ({ error }) => {
        error == null ? resolve() : reject(error)
      }, { once: true })
    })
  }

  async #nextDrain (signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onDrain = (): void => { resolve() }
    const onClose = ({ error }: StreamCloseEvent): void => { reject(error ?? new StreamClosedError()) }

    this.addEventListener('drain', onDrain)
    this.addEventListener('close', onClose)

    try {
      await raceSignal(promise, signal, ABORTED)
    } finally {
      this.removeEventListener('drain', onDrain)
      this.removeEventListener('close', onClose)
    }
  }

  #onClose ({ error }: StreamCloseEvent): void {
    clearTimeout(this.#inactivityTimer)
    this.#closeError = error

    if (error != null && this.#resetCause != null) {
      error.cause = this.#resetCause
    }
  }

  /** There was activity: to be called for what passes by `send` and `onData` of this class, such as a drain. */
  protected touch (): void {
    this.#active = true
  }

  /** A look now and then costs a busy connection less than the time of each message. */
  #watchInactivity (idleLooks: number = 0): void {
    this.#inactivityTimer = setTimeout(() => {
      const idle = this.#active ? 0 : idleLooks + 1
      this.#active = false

      if (idle < LOOKS) {
        this.#watchInactivity(idle)
      } else {
        this.abort(new TimeoutError(`no data in either direction for ${this.inactivityTimeout} ms`))
      }
    }, Math.min(this.inactivityTimeout / LOOKS, MAX_DELAY))
  }
}
