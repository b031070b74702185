/**
 * A channel in byte mode as the connection that a libp2p upgrader takes: the only file that knows both sides.
 */
import { StreamMessageEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { closeError } from '../channel/close-error.ts'
import { BoundedConnection } from '../connection.ts'
import type { Channel, ChannelClose } from '../channel/channel.ts'
import type { BoundedConnectionInit } from '../connection.ts'
import type { SendResult } from '@libp2p/utils'

export interface ChannelConnectionInit extends BoundedConnectionInit {
  /** In byte mode, with its handlers unset: they belong to the connection from now on. */
  channel: Channel
}

export class ChannelConnection extends BoundedConnection {
  readonly #channel: Channel

  constructor ({ channel, ...init }: ChannelConnectionInit) {
    super(init)

    this.#channel = channel
    channel.ondrain = () => {
      this.touch()
      this.safeDispatchEvent('drain')
    }
    channel.onclose = (close) => { this.#onclose(close) }
    // at once, so that a close is seen by those who only write
    channel.onmessage = (data) => { this.onData(data) }
  }

  /** As in the base class, but with nothing queued the data goes to the channel without a detour through its lists. */
  send (data: Uint8Array | Uint8ArrayList): boolean {
    if (this.writeStatus !== 'writable' || this.writableNeedsDrain || this.writeBuffer.byteLength > 0) {
      return super.send(data)
    }

    this.touch()
    this.writableNeedsDrain = !this.#write(data)

    return !this.writableNeedsDrain
  }

  /** As in the base class, but with nothing queued the data goes to the listeners without a detour through its lists. */
  onData (data: Uint8Array): void {
    if (this.readStatus !== 'readable' || this.remoteWriteStatus !== 'writable' || this.readBufferLength > 0 || this.listenerCount('message') === 0) {
      super.onData(data)
      return
    }

    this.touch()
    this.dispatchEvent(new StreamMessageEvent(new Uint8ArrayList(data)))
  }

  sendData (data: Uint8ArrayList): SendResult {
    return {
      sentBytes: data.byteLength,
      canSendMore: this.#write(data)
    }
  }

  /**
   * Everything is the channel's now, which bounds its own close. Nobody takes what the peer may still send: the muxer
   * has closed before.
   */
  async sendClose (): Promise<void> {
    this.#channel.onmessage = () => {}
    void this.#channel.close()
  }

  sendReset (err: Error): void {
    this.#channel.abort(err)
  }

  sendPause (): void {
    this.#channel.pause()
  }

  sendResume (): void {
    // whoever read the buffer just now may have paused again
    if (this.readStatus === 'readable') {
      this.#channel.resume()
    }
  }

  #write (data: Uint8Array | Uint8ArrayList): boolean {
    // after the peer's Close nobody reads this: it is dropped, as on any wire, and the close event follows
    return this.#channel.status !== 'open' || this.#channel.send(data)
  }

  #onclose (close: ChannelClose): void {
    this.log('closed with code %d, reason "%s", clean %s', close.code, close.reason, close.wasClean)

    const error = closeError(close)

    if (error == null) {
      this.onTransportClosed()
    } else {
      this.onRemoteReset(error)
    }
  }
}
