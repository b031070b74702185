/**
 * What the channels of all engines have in common: who receives, whether anything is to be read, and exactly one end.
 */
import { ConnectionClosedError, InvalidParametersError } from '@libp2p/interface'
import { isUint8ArrayList } from 'uint8arraylist'
import { Ending } from '../ending.ts'
import type { Channel, ChannelClose, ChannelMode, SendOptions } from './channel.ts'
import type { Address } from '../address/address.ts'
import type { Uint8ArrayList } from 'uint8arraylist'

export abstract class BaseChannel extends Ending<ChannelClose> implements Channel {
  readonly mode: ChannelMode
  readonly remote: Address
  status: 'open' | 'closing' | 'closed' = 'open'
  bytesIn = 0
  bytesOut = 0
  ondrain: (() => void) | undefined

  abstract readonly local: Address
  abstract readonly subprotocol: string
  abstract readonly bufferedAmount: number
  abstract readonly needsDrain: boolean

  #onmessage: ((data: Uint8Array, text: boolean) => void) | undefined
  #paused = false
  /** What comes in has lost its receiver for good. */
  #dropping = false

  constructor (mode: ChannelMode = 'messages', remote: Address) {
    super()
    this.mode = mode
    this.remote = remote
  }

  get onmessage (): ((data: Uint8Array, text: boolean) => void) | undefined {
    return this.#onmessage
  }

  set onmessage (onmessage) {
    this.#onmessage = onmessage
    this.updateFlow()
  }

  abstract send (data: Uint8Array | Uint8ArrayList, options?: SendOptions): boolean

  pause (): void {
    this.#paused = true
    this.updateFlow()
  }

  resume (): void {
    this.#paused = false
    this.updateFlow()
  }

  abstract close (code?: number, reason?: string): Promise<void>

  abstract abort (error?: Error): void

  /** Read, or read not, as `heldBack` says now. */
  protected abstract updateFlow (): void

  /** Nothing may be delivered now. */
  protected get heldBack (): boolean {
    return (this.#paused || this.#onmessage == null) && !this.#dropping
  }

  /** What is wrong with `send`, if anything. */
  protected checkSend (data: Uint8Array | Uint8ArrayList): void {
    if (this.status !== 'open') {
      throw new ConnectionClosedError(`Cannot send: the WebSocket is ${this.status}`)
    }

    // other typed arrays have a `byteLength` too, and would pass for bytes
    if (!(data instanceof Uint8Array) && !isUint8ArrayList(data)) {
      throw new InvalidParametersError('send takes a Uint8Array or a Uint8ArrayList; for text: send(new TextEncoder().encode(text), { text: true })')
    }
  }

  /** While closing a receiver may well throw, because it cannot answer: what is queued must leave all the same. */
  protected deliver (data: Uint8Array, text: boolean): void {
    if (this.#dropping) {
      return
    }

    this.bytesIn += data.length

    try {
      // pieces of several messages may be one, and text be cut anywhere
      this.#onmessage?.(data, text && this.mode === 'messages')
    } catch (error: any) {
      if (this.status === 'open') {
        this.abort(error)
      } else {
        this.#dropping = true
      }
    }
  }

  /** It closes: the end is behind whatever a receiver that is held back did not want to read. */
  protected dropUnread (): void {
    this.#dropping ||= this.heldBack
    this.updateFlow()
  }

  /** The one end: only the first counts. */
  protected override conclude (close: ChannelClose): void {
    this.status = 'closed'
    super.conclude(close)
  }
}
