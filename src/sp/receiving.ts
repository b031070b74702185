/**
 * A socket that hands out what it receives, one at a time to whoever asks. While its inbox is full no more than one
 * message of each peer is held, and the peers are not read.
 */
import { Inbox } from './inbox.ts'
import { SpSocket } from './socket.ts'
import type { SocketOptions } from './options.ts'
import type { ChannelPipe } from './pipe.ts'
import type { ProtocolName } from './protocols.ts'
import type { WaitOptions } from './waiter.ts'

export abstract class ReceivingSocket<T = Uint8Array> extends SpSocket implements AsyncIterable<T> {
  protected readonly inbox: Inbox<T>
  /** Not read until there is room, those that have waited longest first. */
  readonly #parked = new Set<ChannelPipe>()

  constructor (name: ProtocolName, init: SocketOptions) {
    super(name, init)
    this.inbox = new Inbox(this.options.receiveBuffer, () => { this.#unpark() })
  }

  /**
   * The next message; concurrent calls get one each, in order. The message belongs to the caller.
   *
   * @throws {TimeoutError} none within `timeout`, or `receiveTimeout` of the socket
   * @throws {AbortError} the signal fired
   * @throws {ConnectionClosedError} the socket is closed
   */
  async receive (options: WaitOptions = {}): Promise<T> {
    return this.inbox.take({ ...options, timeout: options.timeout ?? this.options.receiveTimeout })
  }

  /** All messages until the socket closes, however long that takes; leaving the loop leaves the socket as it is. */
  [Symbol.asyncIterator] (): AsyncIterator<T, undefined> {
    return {
      next: async () => {
        try {
          return { done: false, value: await this.inbox.take() }
        } catch {
          return { done: true, value: undefined }
        }
      }
    }
  }

  /** With back pressure: takes it, and stops reading the pipe where that was one too many. */
  protected deliver (pipe: ChannelPipe, value: T): void {
    if (this.inbox.full) {
      this.#parked.add(pipe)
      pipe.pause('inbox full')
    }

    this.inbox.push(value)
  }

  protected override onremoved (pipe: ChannelPipe): void {
    this.#parked.delete(pipe)
  }

  protected onclosed (error: Error): void {
    this.inbox.close(error, true)
  }

  #unpark (): void {
    for (const pipe of this.#parked) {
      if (this.inbox.full) {
        break
      }

      // what it holds may fill the inbox again, and park it behind the others
      this.#parked.delete(pipe)
      pipe.resume('inbox full')
    }
  }
}
