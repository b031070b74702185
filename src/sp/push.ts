import { ProtocolError } from '@libp2p/interface'
import { Outbox } from './outbox.ts'
import { SpSocket } from './socket.ts'
import type { SendOptions } from './message.ts'
import type { BufferedOptions } from './options.ts'
import type { ChannelPipe } from './pipe.ts'

/** Gives each message to one PULL peer, in turns, whichever is ready. */
class PushSocket extends SpSocket {
  readonly #outbox: Outbox

  constructor (init: BufferedOptions) {
    super('push', init)
    this.#outbox = new Outbox(this.pipes, init)
  }

  /**
   * Resolves when a pipe has the message: it goes to one peer at most, and is lost if that peer is.
   *
   * @param body - not copied: it belongs to the socket from now on
   * @param options - what ends the wait
   * @throws {TimeoutError} no peer was ready in time; the message is not sent
   * @throws {AbortError} the signal fired; the message is not sent
   * @throws {ConnectionClosedError} the socket is closed
   */
  async send (body: Uint8Array | string, options: SendOptions = {}): Promise<void> {
    await this.#outbox.send(this.outgoing(body, options), options)
  }

  protected override onready (): void {
    this.#outbox.flush()
  }

  protected onmessage (pipe: ChannelPipe): void {
    throw new ProtocolError('a PULL peer sends nothing')
  }

  protected onclosed (error: Error): void {
    this.#outbox.close(error)
  }
}

export type Push = PushSocket

export function push (options: BufferedOptions = {}): Push {
  return new PushSocket(options)
}
