/**
 * The Channel of Node: a socket after its WebSocket handshake, read and written with our own frame codec.
 */
import { isUtf8 } from 'node:buffer'
import { TLSSocket } from 'node:tls'
import { ConnectionClosedError, TimeoutError } from '@libp2p/interface'
import { formatAddress } from '../address/index.ts'
import { CLOSE_TIMEOUT, CloseCode, HIGH_WATER_MARK, KEEP_ALIVE_INTERVAL, KEEP_ALIVE_TIMEOUT, LOW_WATER_MARK, MAX_INBOUND_MESSAGE } from '../constants.ts'
import { BaseChannel } from './base-channel.ts'
import { CloseDeadline, closeTimedOut } from './close-deadline.ts'
import { FrameError, Opcode, decodeClose, encodeClose } from './frame.ts'
import { Inbound } from './inbound.ts'
import { KeepAlive } from './keep-alive.ts'
import { MessageAssembler } from './message.ts'
import { Outbound } from './outbound.ts'
import { tellWriteFailure } from './write-failure.ts'
import type { ChannelOptions, SendOptions } from './channel.ts'
import type { InboundSink } from './inbound.ts'
import type { KeepAliveSink } from './keep-alive.ts'
import type { OutboundSink } from './outbound.ts'
import type { Address } from '../address/index.ts'
import type { Socket } from 'node:net'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface SocketChannelInit {
  socket: Socket
  /** Bytes that came behind the handshake. */
  head: Uint8Array
  /** Which side of the handshake this end was: clients mask, and let the server end TCP first. */
  role: 'client' | 'server'
  /** Or what works it out: asked once at most, also after the socket is closed. */
  local: Address | (() => Address)
  remote: Address
  subprotocol: string
}

export class SocketChannel extends BaseChannel implements InboundSink, OutboundSink, KeepAliveSink {
  readonly subprotocol: string

  readonly #socket: Socket
  readonly #role: 'client' | 'server'
  readonly #inbound: Inbound
  readonly #outbound: Outbound
  readonly #assembler: MessageAssembler | undefined
  readonly #closeTimeout: number
  readonly #keepAlive: KeepAlive | undefined
  #local: Address | (() => Address)
  #received: { code: number, reason: string } | undefined
  #error: Error | undefined
  /** Counts where the peer has not said that it closes. */
  #writeError: Error | undefined
  #closeDeadline: CloseDeadline | undefined

  constructor (init: SocketChannelInit, options: ChannelOptions = {}) {
    const { socket, role } = init
    const { highWaterMark = HIGH_WATER_MARK, lowWaterMark = LOW_WATER_MARK, keepAlive = KEEP_ALIVE_INTERVAL, keepAliveTimeout = KEEP_ALIVE_TIMEOUT } = options

    super(options.mode, init.remote)
    this.subprotocol = init.subprotocol
    this.#socket = socket
    this.#local = init.local
    this.#role = role
    this.#closeTimeout = options.closeTimeout ?? CLOSE_TIMEOUT
    this.#assembler = this.mode === 'messages' ? new MessageAssembler() : undefined
    this.#inbound = new Inbound(socket, init.head, this, {
      masked: role === 'server',
      joined: this.mode === 'bytes',
      maxMessage: options.maxMessage ?? MAX_INBOUND_MESSAGE
    })
    this.#outbound = new Outbound(socket, this, {
      masked: role === 'client',
      batched: this.mode === 'bytes',
      maxFrame: options.maxFrame,
      highWaterMark,
      lowWaterMark: Math.min(lowWaterMark, highWaterMark)
    })
    this.#keepAlive = keepAlive > 0 ? new KeepAlive(keepAlive, keepAliveTimeout, this.#inbound, this.#outbound, this) : undefined

    socket.setTimeout(0)
    socket.setNoDelay(true)
    tellWriteFailure(socket, this.#onwritefailed)
    socket.on('end', this.#onend)
    socket.on('error', this.#onerror)
    socket.on('close', this.#onsocketclose)
  }

  get local (): Address {
    if (typeof this.#local === 'function') {
      this.#local = this.#local()
    }

    return this.#local
  }

  get bufferedAmount (): number {
    return this.#outbound.size
  }

  get needsDrain (): boolean {
    return this.#outbound.needsDrain
  }

  send (data: Uint8Array | Uint8ArrayList, options?: SendOptions): boolean {
    this.checkSend(data)

    const parts = data instanceof Uint8Array ? [data] : data
    const size = data.byteLength
    this.bytesOut += size

    return this.#outbound.send(parts, size, options?.text === true ? Opcode.TEXT : Opcode.BINARY)
  }

  async close (code: number = CloseCode.NORMAL, reason: string = ''): Promise<void> {
    const payload = encodeClose(code, reason)

    if (this.status === 'open') {
      this.#startClosing(payload)
    }

    this.dropUnread()

    await this.closed
  }

  abort (error: Error = new ConnectionClosedError('The WebSocket was aborted')): void {
    if (this.status === 'closed' || this.#socket.destroyed) {
      return
    }

    const closing = this.status === 'closing'
    this.status = 'closing'
    this.#outbound.discard()
    this.#inbound.stop()

    this.#onerror(error)

    // a reset tells the peer at once that this is no clean end; TLS, Unix sockets and ended ones cannot. Behind a Close
    // frame it would only take from a slow reader what is still under way to it
    if (closing || this.#socket instanceof TLSSocket || this.#socket.writableEnded || this.remote.unixPath != null) {
      this.#socket.destroy()
    } else {
      this.#socket.resetAndDestroy()
    }
  }

  /** @internal */
  onpayload (data: Uint8Array, last: boolean): void {
    const { text, missing } = this.#inbound.reader

    if (this.#assembler == null) {
      if (data.length > 0) {
        this.deliver(data, text)
      }

      return
    }

    const message = this.#assembler.add(data, last, missing)

    if (message == null) {
      return
    }

    if (text && !isUtf8(message)) {
      throw new FrameError('text message that is not UTF-8', CloseCode.INVALID_PAYLOAD)
    }

    this.deliver(message, text)
  }

  /** @internal */
  onbulk (): void {
    this.#outbound.gather()
  }

  /** @internal */
  oncontrol (opcode: number, payload: Uint8Array): void {
    if (opcode === Opcode.CLOSE) {
      this.#onpeerclose(decodeClose(payload), payload)
    } else if (opcode === Opcode.PING && this.status === 'open') {
      this.#outbound.pong(payload)
    }
  }

  /** @internal */
  ondrained (): void {
    if (this.status === 'open') {
      this.ondrain?.()
    }
  }

  /** @internal */
  ondead (silence: number): void {
    this.abort(new TimeoutError(`the peer sent nothing for ${silence} ms, and did not answer a ping`))
  }

  protected updateFlow (): void {
    if (this.heldBack) {
      this.#inbound.pause()
    } else {
      this.#inbound.resume()
    }
  }

  #onpeerclose (received: { code: number, reason: string }, payload: Uint8Array): void {
    this.#received = received
    this.#inbound.stop()

    if (this.status === 'open') {
      this.#startClosing(payload.slice(0, 2))
    }

    if (this.#role === 'server') {
      this.#socket.end()
    }
  }

  /** Queue the Close frame behind everything sent, and bound the time until the socket ends. */
  #startClosing (payload: Uint8Array): void {
    const queued = this.#outbound.size

    // its write may fail at once
    this.status = 'closing'
    this.#outbound.close(payload)
    this.#boundClosing(queued)
  }

  #boundClosing (queued: number): void {
    this.status = 'closing'
    this.#keepAlive?.stop()
    this.#closeDeadline = new CloseDeadline(this.#outbound, queued, this.#closeTimeout, () => { this.#onclosetimeout() })
  }

  #onclosetimeout (): void {
    this.#onerror(this.#writeError ?? closeTimedOut(`${formatAddress(this.remote)}`, this.#outbound.complete, this.#closeTimeout))
    this.#socket.destroy()
  }

  /**
   * The peer broke the protocol (RFC 6455 section 7.1.7): say why, then leave without waiting for an answer.
   *
   * @internal
   */
  onreaderror (error: Error): void {
    this.#error ??= error

    if (this.status === 'open') {
      this.#startClosing(encodeClose(error instanceof FrameError ? error.closeCode : CloseCode.TOO_BIG, ''))
    }

    this.#socket.end()
  }

  /** Both Close frames are on their way, and everything before them: peers may cut TCP now. */
  #isClean (): boolean {
    return this.#received != null && this.#outbound.complete
  }

  /** Nothing more can be sent, but what the peer said before it left can be read. */
  readonly #onwritefailed = (error: Error, atOnce: boolean): void => {
    this.#writeError = error
    this.#outbound.fail(atOnce)

    if (this.status === 'open') {
      this.#boundClosing(0)
    }
  }

  readonly #onend = (): void => {
    if (this.#received == null) {
      this.#socket.destroy()
    } else if (!this.#socket.writableEnded) {
      this.#socket.end()
    }
  }

  /** The first counts. */
  readonly #onerror = (error: Error): void => {
    if (!this.#isClean()) {
      this.#error ??= error
    }
  }

  readonly #onsocketclose = (): void => {
    const { code, reason } = this.#received ?? { code: CloseCode.ABNORMAL, reason: '' }

    this.#keepAlive?.stop()
    this.#closeDeadline?.stop()
    this.#outbound.discard()
    this.#inbound.stop()
    const wasClean = this.#isClean()
    this.conclude({ code, reason, wasClean, error: this.#error ?? (wasClean ? undefined : this.#writeError) })
  }
}
