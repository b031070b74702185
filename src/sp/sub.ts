import { encodeBody } from './message.ts'
import { ReceivingSocket } from './receiving.ts'
import type { SocketOptions } from './options.ts'
import type { ChannelPipe } from './pipe.ts'

export interface SubOptions extends SocketOptions {
  /**
   * What messages must begin with, one of them; `''` takes all.
   *
   * @default []
   */
  subscriptions?: Array<Uint8Array | string>

  /**
   * Where `receiveBuffer` messages wait: drop the oldest for a new one, or else the new one.
   *
   * @default true
   */
  preferNew?: boolean
}

/** Takes from its PUB peers what begins with one of its topics, and drops what it cannot keep. */
class SubSocket extends ReceivingSocket {
  readonly #topics: Uint8Array[]
  readonly #preferNew: boolean

  constructor ({ subscriptions = [], preferNew = true, ...init }: SubOptions) {
    super('sub', init)
    this.#topics = subscriptions.map(topic => encodeBody(topic, false))
    this.#preferNew = preferNew
  }

  /** From now on; `''` is every message. */
  subscribe (topic: Uint8Array | string): void {
    this.#topics.push(encodeBody(topic, false))
  }

  /**
   * Undo one `subscribe`.
   *
   * @returns whether there was one
   */
  unsubscribe (topic: Uint8Array | string): boolean {
    const bytes = encodeBody(topic, false)
    const index = this.#topics.findIndex(other => other.length === bytes.length && startsWith(bytes, other))

    return index >= 0 && this.#topics.splice(index, 1).length > 0
  }

  protected onmessage (pipe: ChannelPipe, data: Uint8Array): void {
    if (!this.#topics.some(topic => startsWith(data, topic))) {
      return
    }

    if (this.inbox.full) {
      if (!this.#preferNew) {
        return
      }

      this.inbox.dropOldest()
    }

    this.inbox.push(data)
  }
}

function startsWith (message: Uint8Array, topic: Uint8Array): boolean {
  return topic.every((byte, i) => message[i] === byte)
}

export type Sub = SubSocket

export function sub (options: SubOptions = {}): Sub {
  return new SubSocket(options)
}
