/**
 * A Channel is one open WebSocket: messages out, messages in, flow control both ways, exactly one close.
 *
 * Invariants, for every engine:
 * - nothing is delivered before `onmessage` is set, and nothing that arrived earlier is lost;
 * - bytes leave and arrive in order; nothing is written after `close` or `abort`;
 * - `onclose` fires once, after the last `onmessage`; every timer and listener is gone by then;
 * - reserved close codes never go on the wire, and a close takes bounded time.
 */
import type { Address } from '../address/address.ts'
import type { Uint8ArrayList } from 'uint8arraylist'

/**
 * With `messages` one `send` is one WebSocket message, and one message is one `onmessage`. With `bytes` boundaries mean
 * nothing: a write to an idle channel leaves at once, those behind it in the same turn of the event loop leave together in
 * as few binary messages as there can be; payload is delivered as it comes in, without waiting for the end of a message,
 * and what one read of the socket brought is one piece; text is taken as its bytes. In both modes, writes of a turn in which
 * the peer sends much leave together.
 */
export type ChannelMode = 'messages' | 'bytes'

export interface ChannelOptions {
  /**
   * Whether message boundaries matter.
   *
   * @default 'messages'
   */
  mode?: ChannelMode

  /**
   * Largest message accepted, bytes. Over it the channel closes with 1009, in both modes.
   *
   * @default 4_194_304
   */
  maxMessage?: number

  /**
   * Largest frame sent in message mode, bytes, 0: no limit. A longer message leaves in several (RFC 6455 section 5.4), for
   * peers that limit frames rather than messages.
   *
   * @default Infinity
   */
  maxFrame?: number

  /**
   * `send` returns false from this many unsent bytes on. Higher rides out longer stalls of the writer, costs that much
   * memory per stalled connection, and whatever is sent next waits behind it.
   *
   * @default 262_144, in browsers 1_048_576
   */
  highWaterMark?: number

  /**
   * `ondrain` fires when this many unsent bytes, or fewer, are left after `send` returned false. With more than this on
   * its way in the socket, what is sent waits for it, in byte mode to leave in larger messages.
   *
   * @default 65_536, in browsers 262_144
   */
  lowWaterMark?: number

  /**
   * From our Close frame to the end of the socket, ms; then the socket is terminated, unless a good part of what was
   * queued before the Close frame has left in that time. `onclose` has a `TimeoutError` then, but where both Close frames were
   * through. `Infinity` waits for the peer.
   *
   * @default 3_000
   */
  closeTimeout?: number

  /**
   * Ping the peer when it has sent nothing for this long, ms; 0 never pings.
   *
   * @default 30_000
   */
  keepAlive?: number

  /**
   * A pinged peer that sends nothing for this long is dead, ms: the channel is aborted with a `TimeoutError`. A paused
   * channel cannot tell, and waits. With `Infinity` it never is, but is pinged.
   *
   * @default 20_000
   */
  keepAliveTimeout?: number
}

/** How a channel ended. */
export interface ChannelClose {
  /** The peer's close code; 1005: its Close frame had none, 1006: no Close frame came. */
  readonly code: number
  readonly reason: string
  /** The peer's Close frame came, and everything that was sent before ours has left this process. */
  readonly wasClean: boolean
  /** Set where the channel failed, to what came first: socket error, protocol error of the peer, timeout, or what `abort` was given. */
  readonly error?: Error
}

export interface SendOptions {
  /** Send as a text message; `data` must be UTF-8. Message mode only. */
  text?: boolean
}

export interface Channel {
  readonly mode: ChannelMode
  /** Where this end is. */
  readonly local: Address
  /** Where the peer is: as dialled, or as accepted. */
  readonly remote: Address
  /** The negotiated subprotocol, `''` without one. */
  readonly subprotocol: string
  readonly status: 'open' | 'closing' | 'closed'
  /** Payload bytes delivered. */
  readonly bytesIn: number
  /** Payload bytes accepted by `send`. */
  readonly bytesOut: number
  /** Bytes accepted by `send` that have not left this process. */
  readonly bufferedAmount: number
  /** True from a `send` that returned false until `ondrain`. */
  readonly needsDrain: boolean

  /**
   * Receives each message (message mode), or payload as it comes in (byte mode, where `text` is false). The receiver owns `data`.
   * While it is not set the channel is paused. If it throws, the channel is aborted with what it threw; while the
   * channel closes, what comes after that is dropped instead.
   */
  onmessage: ((data: Uint8Array, text: boolean) => void) | undefined
  /** Called once after `send` returned false, when the low water mark is reached: send again. Never after a close. */
  ondrain: (() => void) | undefined
  /** Called exactly once, after the last `onmessage`; set later than that, it is called in a microtask. */
  onclose: ((close: ChannelClose) => void) | undefined
  /** Resolves, never rejects, when `onclose` fires. */
  readonly closed: Promise<ChannelClose>

  /**
   * Queue bytes for the peer. Always accepted while open; `false` means saturated: wait for `ondrain`.
   *
   * The data is not copied: leave it alone until `ondrain`, or until `bufferedAmount` is 0.
   *
   * @throws {ConnectionClosedError} after `close`, `abort` or the peer's close
   * @throws {InvalidParametersError} data of another type; nothing was sent
   */
  send (data: Uint8Array | Uint8ArrayList, options?: SendOptions): boolean

  /**
   * Stop reading from the network, so that the peer is slowed; at most one socket read (64 KiB) is held. Pings and the
   * peer's close wait as well, behind what it sent; a pong each `keepAlive` shows the peer that this end lives.
   */
  pause (): void

  /** Deliver what is held, then read on. */
  resume (): void

  /**
   * Send what is queued, then the Close frame, and wait for the peer's; after `closeTimeout` the socket is
   * terminated, unless at least a tenth of what was queued has left in that time. What the peer still sends is
   * delivered until it answers, or dropped if the channel is paused when it is closed.
   *
   * @param code - 1000 to 1003, 1007 to 1014, 3000 to 4999
   * @param reason - at most 123 bytes of UTF-8
   * @returns resolves when the channel is closed, however that came
   * @throws {InvalidParametersError} a code or reason that may not be sent; the channel stays open
   */
  close (code?: number, reason?: string): Promise<void>

  /** End the socket now; unsent and unread data is dropped. `onclose` follows, with `error`. */
  abort (error?: Error): void
}
