/** The far end of a channel under test: the same verbs, whether it is a channel of ours or a WebSocket of `ws`. */
import { concat } from 'uint8arrays/concat'
import type { Channel, ChannelOptions } from '../../src/channel/index.ts'
import type { RawData, WebSocket } from 'ws'

export interface Message {
  data: Uint8Array
  text: boolean
}

/** What an end received, and a wait for more. */
export class Inbox {
  readonly messages: Message[] = []
  size = 0
  /** Called for each message that comes in from now on. */
  onmessage: ((message: Message) => void) | undefined
  #waiting: Array<() => void> = []

  readonly add = (data: Uint8Array, text: boolean): void => {
    this.messages.push({ data, text })
    this.size += data.byteLength
    this.onmessage?.({ data, text })
    this.#waiting.splice(0).forEach(check => { check() })
  }

  get bytes (): Uint8Array {
    return concat(this.messages.map(({ data }) => data))
  }

  get text (): string {
    return new TextDecoder().decode(this.bytes)
  }

  async until (done: (inbox: this) => boolean): Promise<this> {
    while (!done(this)) {
      await new Promise<void>(resolve => { this.#waiting.push(resolve) })
    }

    return this
  }
}

/** Open a channel with `options`, and its peer; both end after the test. */
export type OpenPair = (options?: ChannelOptions) => Promise<{ channel: Channel, peer: Peer }>

export interface Peer {
  readonly inbox: Inbox
  readonly closed: Promise<{ code: number, reason: string }>
  /** Bytes that it has not handed to the system. */
  unsent (): Promise<number>
  /** A string is sent as text. */
  send (data: Uint8Array | string): void
  pause (): void
  resume (): void
  close (code?: number, reason?: string): void
  /** End the socket without a Close frame. */
  vanish (): void
}

/** Take what comes in on a channel. */
export function collect (channel: Channel): Inbox {
  const inbox = new Inbox()
  channel.onmessage = inbox.add

  return inbox
}

export function channelPeer (channel: Channel): Peer {
  return {
    inbox: collect(channel),
    closed: channel.closed,
    async unsent () {
      return channel.bufferedAmount
    },
    send (data) {
      channel.send(typeof data === 'string' ? new TextEncoder().encode(data) : data, { text: typeof data === 'string' })
    },
    pause () {
      channel.pause()
    },
    resume () {
      channel.resume()
    },
    close (code, reason) {
      void channel.close(code, reason)
    },
    vanish () {
      channel.abort()
    }
  }
}

export function webSocketPeer (socket: WebSocket): Peer {
  const inbox = new Inbox()
  const { promise, resolve } = Promise.withResolvers<{ code: number, reason: string }>()

  socket.on('message', (data: RawData, binary) => { inbox.add(bytesOf(data as Buffer), !binary) })
  socket.on('close', (code, reason) => { resolve({ code, reason: `${reason}` }) })
  // resets are a part of what is tested
  socket.on('error', () => {})

  return {
    inbox,
    closed: promise,
    async unsent () {
      return socket.bufferedAmount
    },
    send (data) {
      socket.send(data)
    },
    pause () {
      socket.pause()
    },
    resume () {
      socket.resume()
    },
    close (code, reason) {
      socket.close(code, reason)
    },
    vanish () {
      socket.terminate()
    }
  }
}

/** Without what makes a Buffer differ from other bytes. */
function bytesOf ({ buffer, byteOffset, byteLength }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
