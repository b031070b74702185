/**
 * The Channel of Node: a socket after its WebSocket handshake, read and written with our own frame codec.
 */
import { isUtf8 } from 'node:buffer'
import { TLSSocket } from 'node:tls'
import { ConnectionClosedError, InvalidParametersError, TimeoutError } from '@libp2p/interface'
import { isUint8ArrayList } from 'uint8arraylist'
import { CLOSE_TIMEOUT, CloseCode, HIGH_WATER_MARK, KEEP_ALIVE_INTERVAL, KEEP_ALIVE_TIMEOUT, LOW_WATER_MARK, MAX_INBOUND_MESSAGE } from '../constants.ts'
import { CloseDeadline } from './close-deadline.ts'
import { FrameError, Opcode, decodeClose, encodeClose } from './frame.ts'
import { Inbound } from './inbound.ts'
import { KeepAlive } from './keep-alive.ts'
import { MessageAssembler } from './message.ts'
import { Outbound } from './outbound.ts'
import { tellWriteFailure } from './write-failure.ts'
import type { Channel, ChannelClose, ChannelMode, ChannelOptions, SendOptions } from './channel.ts'
import type { InboundSink } from './inbound.ts'
import type { KeepAlivePeer } from './keep-alive.ts'
import type { OutboundSink } from './outbound.ts'
import type { Address } from '../address/address.ts'
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

export class SocketChannel implements Channel, InboundSink, OutboundSink, KeepAlivePeer {
  readonly mode: ChannelMode
  readonly remote: Address
  readonly subprotocol: string
  readonly closed: Promise<ChannelClose>
  status: 'open' | 'closing' | 'closed' = 'open'
  bytesIn = 0
  bytesOut = 0
  ondrain: (() => void) | undefined

  readonly #socket: Socket
  readonly #role: 'client' | 'server'
  readonly #inbound: Inbound
  readonly #outbound: Outbound
  readonly #assembler: MessageAssembler | undefined
  readonly #closeTimeout: number
  readonly #keepAlive: KeepAlive | undefined
  readonly #resolveClosed: (close: ChannelClose) => void
  #onmessage: ((data: Uint8Array, text: boolean) => void) | undefined
  #onclose: ((close: ChannelClose) => void) | undefined
  #local: Address | (() => Address)
  #paused = false
  /** What comes in has lost its receiver for good. */
  #dropping = false
  #received: { code: number, reason: string } | undefined
  #error: Error | undefined
  /** Counts where the peer has not said that it closes. */
  #writeError: Error | undefined
  #close: ChannelClose | undefined
  #closeDeadline: CloseDeadline | undefined

  constructor (init: SocketChannelInit, options: ChannelOptions = {}) {
    const { socket, role } = init
    const { highWaterMark = HIGH_WATER_MARK, lowWaterMark = LOW_WATER_MARK, keepAlive = KEEP_ALIVE_INTERVAL, keepAliveTimeout = KEEP_ALIVE_TIMEOUT } = options
    const { promise, resolve } = Promise.withResolvers<ChannelClose>()

    this.mode = options.mode ?? 'messages'
    this.remote = init.remote
    this.subprotocol = init.subprotocol
    this.closed = promise
    this.#resolveClosed = resolve
    this.#socket = socket
    this.#local = init.local
    this.#role = role
    this.#closeTimeout = options.closeTimeout ?? CLOSE_TIMEOUT
    this.#assembler = this.mode === 'messages' ? new MessageAssembler() : undefined
    this.#inbound = new Inbound(socket, init.head, this, {
      masked: role === 'server',
      maxMessage: options.maxMessage ?? MAX_INBOUND_MESSAGE
    })
    this.#outbound = new Outbound(socket, this, {
      masked: role === 'client',
      batched: this.mode === 'bytes',
      maxFrame: options.maxFrame,
      highWaterMark,
      lowWaterMark: Math.min(lowWaterMark, highWaterMark)
    })
    this.#keepAlive = keepAlive > 0 ? new KeepAlive(keepAlive, keepAliveTimeout, this) : undefined

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

  get onmessage (): ((data: Uint8Array, text: boolean) => void) | undefined {
    return this.#onmessage
  }

  set onmessage (onmessage) {
    this.#onmessage = onmessage
    this.#updateFlow()
  }

  get onclose (): ((close: ChannelClose) => void) | undefined {
    return this.#onclose
  }

  set onclose (onclose) {
    const close = this.#close

    if (close != null && this.#onclose == null) {
      queueMicrotask(() => { this.#onclose?.(close) })
    }

    this.#onclose = onclose
  }

  send (data: Uint8Array | Uint8ArrayList, options?: SendOptions): boolean {
    if (this.status !== 'open') {
      throw new ConnectionClosedError(`Cannot send: the WebSocket is ${this.status}`)
    }

    const parts = partsOf(data)
    const size = data.byteLength
    this.bytesOut += size

    return this.#outbound.send(parts, size, options?.text === true ? Opcode.TEXT : Opcode.BINARY)
  }

  pause (): void {
    this.#paused = true
    this.#updateFlow()
  }

  resume (): void {
    this.#paused = false
    this.#updateFlow()
  }

  async close (code: number = CloseCode.NORMAL, reason: string = ''): Promise<void> {
    const payload = encodeClose(code, reason)

    if (this.status === 'open') {
      this.#startClosing(payload)
    }

    // the peer's Close frame is behind whatever a paused receiver did not want to read
    this.#dropping ||= this.#inbound.paused
    this.#updateFlow()

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

    if (!this.#isClean()) {
      this.#error ??= error
    }

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
        this.#deliver(data, text)
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

    this.#deliver(message, text)
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
  get lastRead (): number {
    return this.#inbound.lastRead
  }

  /** @internal */
  get paused (): boolean {
    return this.#inbound.paused
  }

  /** @internal */
  ping (): void {
    this.#outbound.ping()
  }

  /** @internal */
  pong (): void {
    this.#outbound.pong(new Uint8Array(0))
  }

  /** @internal */
  ondead (silence: number): void {
    this.abort(new TimeoutError(`the peer sent nothing for ${silence} ms, and did not answer a ping`))
  }

  #updateFlow (): void {
    if ((this.#paused || this.#onmessage == null) && !this.#dropping) {
      this.#inbound.pause()
    } else {
      this.#inbound.resume()
    }
  }

  #deliver (data: Uint8Array, text: boolean): void {
    if (this.#dropping) {
      return
    }

    this.bytesIn += data.length

    try {
      this.#onmessage?.(data, text)
    } catch (error: any) {
      this.#onreceivererror(error)
    }
  }

  /** While closing a receiver may well throw, because it cannot answer: what is queued must leave all the same. */
  #onreceivererror (error: Error): void {
    if (this.status === 'open') {
      this.abort(error)
    } else {
      this.#dropping = true
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
    this.#closeDeadline = new CloseDeadline(this.#outbound, queued, this.#closeTimeout, () => { this.#socket.destroy() })
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
    this.#writeError ??= error
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

  readonly #onerror = (error: Error): void => {
    if (!this.#isClean()) {
      this.#error ??= error
    }
  }

  readonly #onsocketclose = (): void => {
    const { code, reason } = this.#received ?? { code: CloseCode.ABNORMAL, reason: '' }

    this.status = 'closed'
    this.#keepAlive?.stop()
    this.#closeDeadline?.stop()
    this.#outbound.discard()
    this.#inbound.stop()
    const wasClean = this.#isClean()
    this.#close = { code, reason, wasClean, error: this.#error ?? (wasClean ? undefined : this.#writeError) }
    this.#resolveClosed(this.#close)
    this.#onclose?.(this.#close)
  }
}

/** Other typed arrays have a `byteLength` too, and would be copied element by element. */
function partsOf (data: Uint8Array | Uint8ArrayList): Iterable<Uint8Array> {
  if (data instanceof Uint8Array) {
    return [data]
  }

  if (!isUint8ArrayList(data)) {
    throw new InvalidParametersError('send takes a Uint8Array or a Uint8ArrayList; for text: send(new TextEncoder().encode(text), { text: true })')
  }

  return data
}
