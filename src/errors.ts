// The errors that the interface package of libp2p lacks. Recognise errors by `name`; the native error is always the
// `cause`.
//
//     Error
//     +-- AbortError, TimeoutError, InvalidMultiaddrError, ListenError, ...   from the interface package
//     +-- ConnectionFailedError            from the interface package
//     |   +-- DialFailedError              same name; adds address, stage and remedy; the cause says why
//     +-- UpgradeRejectedError             the server answered, but not with a WebSocket
//     +-- ProxyRefusedError                the HTTP proxy answered, but with no connection
//     +-- WebSocketClosedError             closed by a code that is not a clean end
//     +-- MessageTooLargeError             a message over the limit, from either side
//     +-- InvalidStateError                it is not the time for this call, as with a second reply to a request
import { ConnectionFailedError } from '@libp2p/interface'

/** Where a dial was when it failed. */
export type DialStage = 'resolve' | 'connect' | 'proxy' | 'tls' | 'upgrade'

export interface DialFailure {
  /** What to try. */
  remedy?: string
  /** The proxy that was dialled through, without its password. */
  proxy?: string
  /** For the message: the address, and what led elsewhere. */
  target?: string
}

/** A dial failed: `address`, `stage` and `proxy` say where, `cause` says why, `remedy` what to try. */
export class DialFailedError extends ConnectionFailedError {
  readonly address: string
  readonly stage: DialStage
  readonly remedy: string | undefined
  readonly proxy: string | undefined

  constructor (address: string, stage: DialStage, cause: Error, { remedy, proxy, target = address }: DialFailure = {}) {
    super(`Could not dial ${target}: ${stage} failed: ${messageOf(cause)}${remedy == null ? '' : `. ${remedy}`}`)
    this.address = address
    this.stage = stage
    this.remedy = remedy
    this.proxy = proxy
    this.cause = cause
  }
}

/** The proxy answered the CONNECT request with a status that is not 2xx. */
export class ProxyRefusedError extends Error {
  static name = 'ProxyRefusedError'
  readonly status: number

  constructor (status: number, statusText: string = '') {
    super(`the proxy refused to connect with status ${`${status} ${statusText}`.trim()}`)
    this.name = 'ProxyRefusedError'
    this.status = status
  }
}

/** The server answered the upgrade request with an HTTP response other than 101. */
export class UpgradeRejectedError extends Error {
  static name = 'UpgradeRejectedError'
  readonly status: number

  constructor (status: number, statusText: string = '') {
    super(`the server refused the upgrade with status ${`${status} ${statusText}`.trim()}`)
    this.name = 'UpgradeRejectedError'
    this.status = status
  }
}

/** The WebSocket ended in a way that is not a clean close: `code`, `reason` and `wasClean` are those of the close. */
export class WebSocketClosedError extends Error {
  static name = 'WebSocketClosedError'
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean

  constructor (close: { code: number, reason: string, wasClean: boolean }, cause?: Error) {
    super(`WebSocket closed with code ${close.code}${close.reason === '' ? '' : ` (${close.reason})`}`, { cause })
    this.name = 'WebSocketClosedError'
    this.code = close.code
    this.reason = close.reason
    this.wasClean = close.wasClean
  }
}

/** A message of `size` bytes (as far as known) is over the `limit`. */
export class MessageTooLargeError extends Error {
  static name = 'MessageTooLargeError'
  readonly size: number
  readonly limit: number

  constructor (size: number, limit: number) {
    super(`message of ${size} bytes is over the limit of ${limit}`)
    this.name = 'MessageTooLargeError'
    this.size = size
    this.limit = limit
  }
}

/** It is not the time for this call: `state` says what is the case instead. */
export class InvalidStateError extends Error {
  static name = 'InvalidStateError'
  readonly state: string

  constructor (message: string, state: string) {
    super(message)
    this.name = 'InvalidStateError'
    this.state = state
  }
}

/** An AggregateError, of several addresses tried, has no message of its own. */
function messageOf (error: Error & { errors?: Error[] }): string {
  return error.message !== '' ? error.message.trim() : error.errors?.map(messageOf).join('; ') ?? error.name
}
