/**
 * What a channel needs of the WebSocket of a browser, whichever kind it is. Both kinds are open when they are made.
 */
export interface BrowserSocket {
  /** As negotiated, `''` without one. */
  readonly subprotocol: string
  /** Bytes that were written and have not left this page, as far as the browser tells. */
  readonly unsent: number

  /** Begin, paused; called once. */
  start (sink: BrowserSocketSink): void
  /** Send one message, text or binary. It may be read later, so it must not change. */
  write (message: string | Uint8Array<ArrayBuffer>): void
  /** Call `onwritable` once, later, when no more than `mark` bytes are unsent. */
  notify (mark: number): void
  /** Stop reading, where the browser can. */
  pause (): void
  resume (): void
  /** Send the Close frame behind all that was written; `code` is one that browsers send. */
  close (code: number, reason: string): void
  /** Send the Close frame now, as far as the browser lets us, and tell the sink nothing more. */
  abort (code: number): void
}

export interface BrowserSocketSink {
  onreceived (message: string | ArrayBuffer | Uint8Array<ArrayBuffer>): void
  onwritable (): void
  /** It has ended, after the last message; `wasClean` if both Close frames came through. */
  onended (code: number, reason: string, wasClean: boolean): void
}

/**
 * Opens one.
 *
 * @throws {Error} a `SyntaxError` for subprotocols that are none; anything else means that it did not open
 */
export type OpenSocket = (url: string, subprotocols: string[], signal: AbortSignal) => Promise<BrowserSocket>
