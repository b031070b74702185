import { SP_TTL } from '../constants.ts'
import { InvalidStateError } from '../errors.ts'
import { decodeBacktrace, join } from './header.ts'
import { encodeBody } from './message.ts'
import { ReceivingSocket } from './receiving.ts'
import type { Received } from './header.ts'
import type { SocketOptions } from './options.ts'
import type { ChannelPipe, Pipe } from './pipe.ts'

export interface ReplierOptions extends Omit<SocketOptions, 'text'> {
  /**
   * Requests that came over more hops are dropped; 1 is a peer without a device between.
   *
   * @default 8
   */
  ttl?: number
}

/** A request, or a survey. */
export interface Request {
  /** It belongs to whoever received it. */
  readonly body: Uint8Array
  /** Where it came from. */
  readonly pipe: Pipe

  /**
   * Answer it, once. Resolves when the pipe has the answer; if its peer is gone the answer is dropped, because it asks
   * again. A peer that does not read its answers is not read either, so that they do not pile up here.
   *
   * @param body - not copied: it belongs to the socket from now on
   * @throws {InvalidStateError} it was answered before
   */
  reply (body: Uint8Array | string): Promise<void>
}

/** Answers requests, each on the pipe that it came by. Also what RESPONDENT is. */
export class RepSocket extends ReceivingSocket<Request> {
  readonly #ttl: number

  constructor ({ ttl = SP_TTL, ...init }: ReplierOptions, name: 'rep' | 'respondent' = 'rep') {
    super(name, init)
    this.refuseText()
    this.#ttl = ttl
  }

  protected override onready (pipe: ChannelPipe): void {
    pipe.resume('saturated')
  }

  protected onmessage (pipe: ChannelPipe, data: Uint8Array): void {
    const received = decodeBacktrace(data, this.#ttl)

    if (received != null) {
      this.deliver(pipe, new ReceivedRequest(pipe, received))
    }
  }
}

class ReceivedRequest implements Request {
  readonly body: Uint8Array
  readonly #pipe: ChannelPipe
  #header: Uint8Array | undefined

  constructor (pipe: ChannelPipe, { header, body }: Received) {
    this.body = body
    this.#pipe = pipe
    this.#header = header
  }

  get pipe (): Pipe {
    return this.#pipe
  }

  async reply (body: Uint8Array | string): Promise<void> {
    const header = this.#header

    if (header == null) {
      throw new InvalidStateError('a request is answered once', 'answered')
    }

    const data = join(header, encodeBody(body, false))
    this.#header = undefined

    if (!this.#pipe.open) {
      return
    }

    this.#pipe.send({ data, text: false })

    if (!this.#pipe.ready) {
      this.#pipe.pause('saturated')
    }
  }
}

export type Rep = RepSocket

export function rep (options: ReplierOptions = {}): Rep {
  return new RepSocket(options)
}
