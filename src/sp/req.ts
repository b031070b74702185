import { ConnectionClosedError } from '@libp2p/interface'
import { MAX_DELAY, SP_RESEND_TIME } from '../constants.ts'
import { decodeWord, encodeWord, firstId, join, nextId } from './header.ts'
import { encodeBody } from './message.ts'
import { SpSocket } from './socket.ts'
import { throwIfAborted, Waiter } from './waiter.ts'
import type { Outgoing } from './message.ts'
import type { SocketOptions } from './options.ts'
import type { ChannelPipe } from './pipe.ts'
import type { WaitOptions } from './waiter.ts'

export interface ReqOptions extends Omit<SocketOptions, 'text'> {
  /**
   * A request without reply is sent again after this long, ms, to the next peer in turn; and at once if the pipe that had
   * it ends. 0: never, and a request whose pipe ends fails.
   *
   * @default 60_000
   */
  resendTime?: number
}

interface Pending {
  readonly id: number
  readonly message: Outgoing
  readonly waiter: Waiter<Uint8Array>
  /** What carries it, if any does. */
  pipe?: ChannelPipe
  /** When it is sent again, by `performance.now()`. */
  due: number
}

/** Asks REP peers, in turns, until there is a reply. */
class ReqSocket extends SpSocket {
  readonly #resendTime: number
  /** Those that a pipe carries are in the order in which they are due. */
  readonly #pending = new Map<number, Pending>()
  /** Those that no pipe carries. */
  readonly #waiting = new Set<Pending>()
  /** One for all, for the first that is due: most have their reply long before. */
  #timer: ReturnType<typeof setTimeout> | undefined
  #id = firstId()

  constructor ({ resendTime = SP_RESEND_TIME, ...init }: ReqOptions) {
    super('req', init)
    this.refuseText()
    this.#resendTime = Math.min(resendTime, MAX_DELAY)
  }

  /**
   * Send a request and resolve with its reply. Any number may be under way. A replier may see a request more than once;
   * only one reply counts.
   *
   * @param body - not copied: it belongs to the socket from now on
   * @param options - what ends the wait; a reply that comes later is dropped
   * @throws {TimeoutError} no reply within `timeout`, or `receiveTimeout` of the socket
   * @throws {AbortError} the signal fired
   * @throws {ConnectionClosedError} the socket is closed; or, without `resendTime`, the pipe
   */
  async request (body: Uint8Array | string, options: WaitOptions = {}): Promise<Uint8Array> {
    this.assertOpen()
    throwIfAborted(options)

    const id = this.#nextId()
    const pending: Pending = {
      id,
      due: Infinity,
      message: { data: join(encodeWord(id), encodeBody(body, false)), text: false },
      waiter: new Waiter('reply', { ...options, timeout: options.timeout ?? this.options.receiveTimeout }, () => { this.#forget(pending) })
    }

    this.#pending.set(id, pending)
    this.#send(pending)

    return pending.waiter.promise
  }

  protected override onready (): void {
    for (const pending of this.#waiting) {
      const pipe = this.pipes.nextReady()

      if (pipe == null) {
        break
      }

      this.#waiting.delete(pending)
      this.#sendBy(pipe, pending)
    }
  }

  protected onmessage (pipe: ChannelPipe, data: Uint8Array): void {
    const { word, body } = decodeWord(data)
    const pending = this.#pending.get(word)

    if (pending != null) {
      this.#forget(pending)
      pending.waiter.resolve(body)
    }
  }

  protected override onremoved (pipe: ChannelPipe): void {
    for (const pending of this.#pending.values()) {
      if (pending.pipe === pipe) {
        this.#onlost(pending)
      }
    }
  }

  protected onclosed (error: Error): void {
    for (const pending of this.#pending.values()) {
      this.#forget(pending)
      pending.waiter.reject(error)
    }
  }

  /** Hand it to a pipe; where none is ready it waits for one. */
  #send (pending: Pending): void {
    const pipe = this.pipes.nextReady()

    if (pipe == null) {
      pending.pipe = undefined
      pending.due = Infinity
      this.#waiting.add(pending)
    } else {
      this.#sendBy(pipe, pending)
    }
  }

  #sendBy (pipe: ChannelPipe, pending: Pending): void {
    pending.pipe = pipe
    pipe.send(pending.message)

    if (this.#resendTime > 0) {
      pending.due = performance.now() + this.#resendTime
      this.#pending.delete(pending.id)
      this.#pending.set(pending.id, pending)
      this.#timer ??= setTimeout(this.#resend, this.#resendTime)
    }
  }

  readonly #resend = (): void => {
    const now = performance.now()
    this.#timer = undefined

    // those that are sent again come behind the others, and are not due
    for (const pending of this.#pending.values()) {
      if (pending.due <= now) {
        this.#send(pending)
      } else if (pending.due < Infinity) {
        clearTimeout(this.#timer)
        this.#timer = setTimeout(this.#resend, pending.due - now)
        break
      }
    }
  }

  #onlost (pending: Pending): void {
    if (this.#resendTime > 0) {
      this.#send(pending)
    } else {
      this.#forget(pending)
      pending.waiter.reject(new ConnectionClosedError('the pipe that carried the request has ended'))
    }
  }

  #forget (pending: Pending): void {
    this.#pending.delete(pending.id)
    this.#waiting.delete(pending)

    if (this.#pending.size === 0) {
      clearTimeout(this.#timer)
      this.#timer = undefined
    }
  }

  /** Not one that is under way. */
  #nextId (): number {
    do {
      this.#id = nextId(this.#id)
    } while (this.#pending.has(this.#id))

    return this.#id
  }
}

export type Req = ReqSocket

export function req (options: ReqOptions = {}): Req {
  return new ReqSocket(options)
}
