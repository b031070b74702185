/**
 * An Endpoint is one end of a bridged session, opened: a WebSocket, a TCP or Unix socket, or the datagrams of one peer.
 * Event based, as a Channel is, so that bytes pass from one to another without a promise for each.
 *
 * Invariants, of every kind:
 * - nothing is delivered before `resume`, and nothing that arrived earlier is lost;
 * - `onend` comes once at most; `onclose` exactly once, and nothing after it;
 * - `send`, `end` and `close` may be called at any time: what comes too late is dropped;
 * - a close takes bounded time; no timer or listener is left after it.
 */

/** How an end is over. */
export interface EndpointEnd {
  /** WebSocket close code: that of the peer where it is a WebSocket, else 1000, or 1014 with an `error`. */
  readonly code: number
  readonly reason: string
  /** Set where the other side failed, or did not say that it was done: what came may not be all. */
  readonly error?: Error
}

export interface Endpoint {
  /** With `bytes` boundaries mean nothing; with `messages` one `send` arrives as one, also an empty one. */
  readonly shape: 'bytes' | 'messages'
  /** Whether `end` leaves the way back open, and `onend` the way there. */
  readonly halfClose: boolean
  /** Who is there, for logs. */
  readonly remote: string
  /** What was agreed on, `''` for none; only where there is such a thing. */
  readonly subprotocol?: string

  /** Receives what comes in, and owns it. */
  onmessage: ((data: Uint8Array, text: boolean) => void) | undefined
  /** Called once after `send` returned false: send again. */
  ondrain: (() => void) | undefined
  /** The other side sends no more, and may still receive. Only with `halfClose`. */
  onend: (() => void) | undefined
  /** It is over. Set later than that, it is called in a microtask. */
  onclose: ((end: EndpointEnd) => void) | undefined

  /**
   * Queue for the other side; `false` means saturated: wait for `ondrain`. The data is not copied, leave it alone.
   *
   * @param data - bytes, or one message
   * @param text - it is UTF-8, and leaves as a text message where there is such a thing
   */
  send (data: Uint8Array, text: boolean): boolean

  /** Nothing more will be sent. Without `halfClose` this is `close`. */
  end (): void

  /** Deliver nothing more until `resume`, so that the other side is slowed. */
  pause (): void
  resume (): void

  /**
   * Send what is queued, then end. What still comes in is dropped, except on a WebSocket, until the peer has answered.
   *
   * @param code - for a WebSocket, as it is; a TCP socket is reset when it is neither 1000 nor 1001, so that nobody takes
   * what came for all there was
   * @param reason - for a WebSocket
   * @returns resolves when it is over
   */
  close (code?: number, reason?: string): Promise<void>

  /** End now; what is unsent is lost. */
  abort (error: Error): void
}
