/** A WebSocket as an Endpoint. */
import { isCleanEnd } from '../channel/close-error.ts'
import { CloseCode } from '../constants.ts'
import { WebSocketClosedError } from '../errors.ts'
import type { Endpoint, EndpointEnd } from './endpoint.ts'
import type { Channel } from '../channel/channel.ts'

const TEXT = { text: true }

export class ChannelEndpoint implements Endpoint {
  readonly shape: 'bytes' | 'messages'
  readonly halfClose = false
  readonly remote: string
  readonly subprotocol: string
  /** Never called. */
  onend: (() => void) | undefined
  #onclose: ((end: EndpointEnd) => void) | undefined
  readonly #channel: Channel

  /**
   * @param channel - owned from now on
   * @param remote - who is there
   */
  constructor (channel: Channel, remote: string) {
    this.#channel = channel
    this.shape = channel.mode
    this.remote = remote
    this.subprotocol = channel.subprotocol
    channel.pause()
  }

  get onmessage (): ((data: Uint8Array, text: boolean) => void) | undefined {
    return this.#channel.onmessage
  }

  set onmessage (onmessage) {
    this.#channel.onmessage = onmessage
  }

  get ondrain (): (() => void) | undefined {
    return this.#channel.ondrain
  }

  set ondrain (ondrain) {
    this.#channel.ondrain = ondrain
  }

  get onclose (): ((end: EndpointEnd) => void) | undefined {
    return this.#onclose
  }

  set onclose (onclose) {
    this.#onclose = onclose
    this.#channel.onclose = close => {
      const { code, reason, error } = close
      this.#onclose?.({ code, reason, error: isCleanEnd(code) ? undefined : new WebSocketClosedError(close, error) })
    }
  }

  send (data: Uint8Array, text: boolean): boolean {
    if (this.#channel.status !== 'open') {
      return true
    }

    return this.#channel.send(data, text ? TEXT : undefined)
  }

  end (): void {
    void this.close()
  }

  pause (): void {
    this.#channel.pause()
  }

  resume (): void {
    this.#channel.resume()
  }

  async close (code: number = CloseCode.NORMAL, reason: string = ''): Promise<void> {
    await this.#channel.close(code, reason)
  }

  abort (error: Error): void {
    this.#channel.abort(error)
  }
}
