/**
 * A relay passes everything between two endpoints, both ways, each at the pace of the slower, and ends them as each other
 * ended: what was done is done, what failed has failed.
 *
 * - the end of one direction is passed on alone where both endpoints can tell, else both are closed;
 * - a close is passed on behind everything that came before it, with its code and reason between WebSockets;
 * - a failure is passed on as one: 1014 to a WebSocket, a reset to a TCP socket.
 */
import { isCleanEnd } from '../channel/close-error.ts'
import { CloseCode } from '../constants.ts'
import { DirectPump, FramedPump } from './pump.ts'
import type { Endpoint, EndpointEnd } from './endpoint.ts'
import type { Framing } from './framing.ts'
import type { Pump } from './pump.ts'

export interface RelayOptions {
  /** Makes messages of what comes from `a`; without it that is passed on as it comes. */
  fromA?: Framing
  /** The same for `b`. */
  fromB?: Framing
}

/** Which endpoint ended first, or failed, and how. */
export interface RelayEnd {
  by: 'a' | 'b' | 'relay'
  end: EndpointEnd
}

export class Relay {
  /** Resolves, never rejects, when both endpoints are over. */
  readonly closed: Promise<RelayEnd>
  readonly #a: Endpoint
  readonly #b: Endpoint
  readonly #aToB: Pump
  readonly #bToA: Pump
  #first: RelayEnd | undefined

  /** Both endpoints are owned from now on. */
  constructor (a: Endpoint, b: Endpoint, options: RelayOptions = {}) {
    this.#a = a
    this.#b = b
    this.#aToB = this.#pump(a, b, options.fromA)
    this.#bToA = this.#pump(b, a, options.fromB)
    this.closed = this.#run()
    a.resume()
    b.resume()
  }

  /** Payload bytes that came from `a`. */
  get bytesFromA (): number {
    return this.#aToB.bytes
  }

  /** Payload bytes that came from `b`. */
  get bytesFromB (): number {
    return this.#bToA.bytes
  }

  /** Close both endpoints behind what was sent to them. Bounded in time by theirs. */
  async close (code: number = CloseCode.NORMAL, reason: string = ''): Promise<void> {
    this.#first ??= { by: 'relay', end: { code, reason } }
    await Promise.all([this.#a.close(code, reason), this.#b.close(code, reason)])
  }

  /** End both endpoints now. */
  abort (error: Error): void {
    this.#first ??= { by: 'relay', end: { code: CloseCode.INTERNAL_ERROR, reason: '', error } }
    this.#a.abort(error)
    this.#b.abort(error)
  }

  #pump (from: Endpoint, to: Endpoint, framing: Framing | undefined): Pump {
    const pump = framing == null
      ? new DirectPump(from, to)
      : new FramedPump(from, to, framing, error => { this.#onframingerror(error) })

    to.ondrain = () => { pump.drained() }

    return pump
  }

  async #run (): Promise<RelayEnd> {
    await Promise.all([
      this.#follow('a', this.#a, this.#b, this.#aToB, this.#bToA),
      this.#follow('b', this.#b, this.#a, this.#bToA, this.#aToB)
    ])

    return this.#first as RelayEnd
  }

  /** Pass on how `from` ends; resolves when both are over, as far as that is due to `from`. */
  async #follow (by: 'a' | 'b', from: Endpoint, to: Endpoint, there: Pump, back: Pump): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<EndpointEnd>()

    from.onend = () => { void there.finish().then(() => { to.end() }) }
    from.onclose = resolve

    const end = await promise
    this.#first ??= { by, end }
    back.stop()
    await there.finish()

    if (end.error == null) {
      await to.close(isCleanEnd(end.code) && end.code !== CloseCode.NO_STATUS ? end.code : CloseCode.NORMAL, end.reason)
    } else {
      await to.close(isForwarded(end.code) ? end.code : CloseCode.BAD_GATEWAY, end.reason)
    }
  }

  #onframingerror (error: Error): void {
    const code = error.name === 'MessageTooLargeError' ? CloseCode.TOO_BIG : CloseCode.INTERNAL_ERROR
    const reason = error.message.slice(0, MAX_REASON)

    this.#first ??= { by: 'relay', end: { code, reason, error } }
    void this.#a.close(code, reason)
    void this.#b.close(code, reason)
  }
}

/** A close reason has 123 bytes (RFC 6455 section 5.5); the messages of framings are ASCII, but for what users write. */
const MAX_REASON = 40

/** Codes of failures that may go on the wire again. */
function isForwarded (code: number): boolean {
  return (code >= CloseCode.INVALID_PAYLOAD && code <= CloseCode.BAD_GATEWAY) || code >= 3000
}
