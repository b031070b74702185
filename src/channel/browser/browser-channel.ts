/**
 * The Channel of browsers, over whichever WebSocket the browser has. What the platform does not let it do, it says here:
 * - a `WebSocket` cannot be paused: what comes meanwhile is held, and over `MAX_UNREAD` the channel is aborted;
 * - messages come in whole, so `maxMessage` refuses one that is in memory;
 * - what comes in once it closes is dropped by the browser;
 * - nothing ends a socket at once: `abort` forgets it, and the browser ends it in its own time;
 * - close codes below 3000, but for 1000, are not sent: 3000 is added to them, so that 1011 leaves as 4011;
 * - there are no pings: `keepAlive` has no effect, and `keepAliveTimeout` says how long one may be offline, but for peers on this machine;
 * - it chooses its frames: `maxFrame` has no effect.
 */
import { ConnectionClosedError, StreamBufferError, TimeoutError } from '@libp2p/interface'
import { hostInBrowser, isLoopback } from '../../address/browser.ts'
import { toUrl } from '../../address/url.ts'
import { BROWSER_HIGH_WATER_MARK, BROWSER_LOW_WATER_MARK, CLOSE_TIMEOUT, CloseCode, KEEP_ALIVE_TIMEOUT, MAX_INBOUND_MESSAGE, MAX_UNREAD } from '../../constants.ts'
import { MessageTooLargeError } from '../../errors.ts'
import { BaseChannel } from '../base-channel.ts'
import { CloseDeadline, closeTimedOut } from '../close-deadline.ts'
import { encodeClose } from '../frame.ts'
import { Offline } from './offline.ts'
import { BrowserOutbound } from './outbound.ts'
import type { BrowserSocket, BrowserSocketSink } from './socket.ts'
import type { Address } from '../../address/address.ts'
import type { ChannelClose, ChannelOptions, SendOptions } from '../channel.ts'
import type { Uint8ArrayList } from 'uint8arraylist'

/** What a held message costs beside its payload, about, bytes: empty ones, too, would fill a page. */
const HELD_OVERHEAD = 256

/** A browser does not say where its end is. */
const UNKNOWN: Address = { host: '', family: 0, port: 0, path: '/', tls: false }

interface Message {
  data: Uint8Array
  text: boolean
}

export class BrowserChannel extends BaseChannel implements BrowserSocketSink {
  readonly local: Address = UNKNOWN

  readonly #socket: BrowserSocket
  readonly #outbound: BrowserOutbound
  readonly #maxMessage: number
  readonly #closeTimeout: number
  readonly #offline: Offline | undefined
  /** What came in while the channel was paused. */
  #held: Message[] = []
  #heldSize = 0
  #delivering = false
  /** The socket has ended, and the last message is not delivered. */
  #ended: ChannelClose | undefined
  #closeDeadline: CloseDeadline | undefined

  constructor (socket: BrowserSocket, remote: Address, options: ChannelOptions = {}) {
    const { mode = 'messages', highWaterMark = BROWSER_HIGH_WATER_MARK, lowWaterMark = BROWSER_LOW_WATER_MARK, keepAliveTimeout = KEEP_ALIVE_TIMEOUT } = options

    super(mode, remote)
    this.#socket = socket
    this.#maxMessage = options.maxMessage ?? MAX_INBOUND_MESSAGE
    this.#closeTimeout = options.closeTimeout ?? CLOSE_TIMEOUT
    this.#outbound = new BrowserOutbound(socket, {
      batched: mode === 'bytes',
      highWaterMark,
      lowWaterMark: Math.min(lowWaterMark, highWaterMark)
    }, () => { this.#ondrained() })

    // this machine is there without a network
    if (!isLoopback(hostInBrowser(remote))) {
      this.#offline = new Offline(keepAliveTimeout, () => {
        this.abort(new TimeoutError(`this browser has been offline for ${keepAliveTimeout} ms`))
      })
    }

    socket.start(this)
  }

  get subprotocol (): string {
    return this.#socket.subprotocol
  }

  get bufferedAmount (): number {
    return this.status === 'closed' ? 0 : this.#outbound.size
  }

  get needsDrain (): boolean {
    return this.#outbound.needsDrain
  }

  send (data: Uint8Array | Uint8ArrayList, options?: SendOptions): boolean {
    this.checkSend(data)

    const canSendMore = this.#outbound.send(data, options?.text === true)
    this.bytesOut += data.byteLength

    return canSendMore
  }

  async close (code: number = CloseCode.NORMAL, reason: string = ''): Promise<void> {
    // for what it throws
    encodeClose(code, reason)

    if (this.status === 'open') {
      const queued = this.#outbound.size

      this.#outbound.flush()
      this.#startClosing(queued)
      this.#socket.close(browserCode(code), reason)
    }

    this.dropUnread()

    await this.closed
  }

  abort (error: Error = new ConnectionClosedError('The WebSocket was aborted')): void {
    this.#fail(error, CloseCode.ABNORMAL)
  }

  /** @internal */
  onreceived (message: string | ArrayBuffer | Uint8Array<ArrayBuffer>): void {
    const text = typeof message === 'string'
    const data = text ? new TextEncoder().encode(message) : bytesOf(message)

    this.#offline?.deny()

    if (data.length > this.#maxMessage) {
      this.#fail(new MessageTooLargeError(data.length, this.#maxMessage), CloseCode.TOO_BIG)
    } else if (data.length > 0 || this.mode === 'messages') {
      // nothing is held unless it is paused
      this.heldBack ? this.#hold({ data, text }) : this.deliver(data, text)
    }
  }

  /** @internal */
  onwritable (): void {
    this.#outbound.onwritable()
  }

  /** @internal */
  onended (code: number, reason: string, wasClean: boolean): void {
    this.#ended = { code, reason, wasClean: wasClean && this.#outbound.size === 0, error: undefined }
    this.#stopSending()
    this.#deliverHeld()
  }

  #hold (message: Message): void {
    if (this.#heldSize > MAX_UNREAD) {
      this.#fail(new StreamBufferError(`The peer goes on while more than ${MAX_UNREAD} bytes are unread, and this browser cannot stop it`), CloseCode.ABNORMAL)
      return
    }

    this.#held.push(message)
    this.#heldSize += heldSize(message)
  }

  protected updateFlow (): void {
    if (this.heldBack) {
      this.#socket.pause()
      return
    }

    this.#deliverHeld()

    // what was held may have paused again
    if (!this.heldBack && this.#ended == null) {
      this.#socket.resume()
    }
  }

  #deliverHeld (): void {
    // a receiver that pauses and resumes while it is called must not start a second loop
    if (this.#delivering) {
      return
    }

    this.#delivering = true
    let delivered = 0

    // a receiver that aborts empties it
    while (delivered < this.#held.length && !this.heldBack) {
      const message = this.#held[delivered++]
      this.#heldSize -= heldSize(message)
      this.deliver(message.data, message.text)
    }

    this.#held.splice(0, delivered)
    this.#delivering = false

    if (this.#ended != null && this.#held.length === 0) {
      this.#finish(this.#ended)
    }
  }

  #drop (): void {
    this.#held = []
    this.#heldSize = 0
  }

  #ondrained (): void {
    if (this.status === 'open') {
      this.ondrain?.()
    }
  }

  /** Bound the time of a close that has `queued` bytes before it. */
  #startClosing (queued: number): void {
    const outbound = this.#outbound

    this.status = 'closing'
    this.#offline?.stop()
    this.#closeDeadline = new CloseDeadline({ size: 0, get unwritten () { return outbound.size } }, queued, this.#closeTimeout, () => {
      this.#fail(closeTimedOut(toUrl(this.remote).href, outbound.size === 0, this.#closeTimeout), CloseCode.ABNORMAL)
    })
  }

  /** End it now, also where the socket has ended before its last message was read; the first error counts. */
  #fail (error: Error, code: number): void {
    if (this.ended || this.#ended?.error != null) {
      return
    }

    this.#ended = { code: CloseCode.ABNORMAL, reason: '', wasClean: false, error }
    this.#drop()
    this.#stopSending()
    this.#socket.abort(browserCode(code))
    // as where the socket tells it: never within the call
    queueMicrotask(() => { this.#deliverHeld() })
  }

  #stopSending (): void {
    this.status = 'closing'
    this.#offline?.stop()
    this.#outbound.discard()
  }

  #finish (close: ChannelClose): void {
    this.#closeDeadline?.stop()
    this.conclude(close)
  }
}

/** Chromium has given a WebSocketStream both kinds. */
function bytesOf (message: ArrayBuffer | Uint8Array<ArrayBuffer>): Uint8Array {
  return message instanceof Uint8Array ? message : new Uint8Array(message)
}

function heldSize ({ data }: Message): number {
  return data.length + HELD_OVERHEAD
}

/** What a browser sends for a close code: it takes 1000 and 3000 to 4999. */
function browserCode (code: number): number {
  return code === CloseCode.NORMAL || code >= 3000 ? code : code + 3000
}
