/** The reading half of a duplex: a channel's messages as an async iterator, at the pace of whoever iterates. */
import { closeError } from '../channel/close-error.ts'
import { MAX_INBOUND_MESSAGE } from '../constants.ts'
import { WebSocketClosedError } from '../errors.ts'
import { Feed } from './feed.ts'
import type { Channel, ChannelClose } from '../channel/channel.ts'

/**
 * Unread bytes from which on the channel is paused. One socket read: less would pause for every small message,
 * more would only move bytes from the socket's buffer to ours.
 */
const READ_AHEAD = 65_536

/** What a queued message costs beside its bytes, so that empty messages cannot pile up either. */
const MESSAGE_OVERHEAD = 128

/** Unread bytes kept while this end closes: the memory of one peer. */
const CLOSING_LIMIT = MAX_INBOUND_MESSAGE

const TRUNCATED = 'this end closed while its reader was slow; what may have come after this was dropped'

export class ChannelSource {
  /** Ends, or fails, with the channel. */
  readonly messages: Feed<Uint8Array>

  readonly #channel: Channel
  /** What the messages that wait cost. */
  #queued = 0
  #paused = false
  #closing = false
  #truncated = false

  constructor (channel: Channel) {
    this.#channel = channel
    this.messages = new Feed({
      onTaken: (data) => { this.#onTaken(data) },
      onReturn: () => {
        this.#drop()
        this.#resume()
      }
    })

    // from the start, so that a close is seen by those who only write; the queue keeps what comes before `next`
    channel.onmessage = (data) => { this.#onMessage(data) }
    // it may come paused
    channel.resume()
    void channel.closed.then((close) => { this.#onClose(close) })
  }

  /**
   * To be called before this end closes the channel. A channel that is paused drops what arrives while it closes;
   * from now on it is kept instead, up to a limit.
   */
  keepOnClose (): void {
    this.#closing = true
    this.#resume()
  }

  #onMessage (data: Uint8Array): void {
    const closing = this.#closing || this.#channel.status !== 'open'

    if (closing && this.#queued >= CLOSING_LIMIT) {
      // nothing is yielded behind a gap
      this.#truncated = true
      this.#drop()
      return
    }

    if (this.messages.put(data)) {
      return
    }

    this.#queued += data.byteLength + MESSAGE_OVERHEAD

    if (this.#queued >= READ_AHEAD && !closing) {
      this.#paused = true
      this.#channel.pause()
    }
  }

  #onTaken (data: Uint8Array): void {
    this.#queued -= data.byteLength + MESSAGE_OVERHEAD

    if (this.#queued === 0) {
      this.#resume()
    }
  }

  #drop (): void {
    this.#channel.onmessage = () => {}
  }

  #resume (): void {
    if (this.#paused) {
      // closed by others while it was paused, the channel drops what came after that
      this.#truncated ||= this.#channel.status !== 'open'
      this.#paused = false
      this.#channel.resume()
    }
  }

  #onClose (close: ChannelClose): void {
    this.#resume()
    const truncated = this.#truncated ? new WebSocketClosedError(close, new Error(TRUNCATED)) : undefined

    this.messages.end(closeError(close) ?? truncated)
  }
}
