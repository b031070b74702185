import { InvalidStateError } from '../errors.ts'
import { Outbox } from './outbox.ts'
import { ReceivingSocket } from './receiving.ts'
import type { SendOptions } from './message.ts'
import type { BufferedOptions } from './options.ts'
import type { ChannelPipe } from './pipe.ts'

/** One peer, both ways; a second one is closed. */
export class PairSocket extends ReceivingSocket {
  readonly #outbox: Outbox

  constructor (init: BufferedOptions, name: 'pair' | 'pair1' = 'pair') {
    super(name, init)
    this.#outbox = new Outbox(this.pipes, init)
  }

  /**
   * Resolves when the pipe has the message. It is lost if the peer is.
   *
   * @param body - not copied: it belongs to the socket from now on
   * @param options - what ends the wait
   * @throws {TimeoutError} the peer was not ready in time; the message is not sent
   * @throws {AbortError} the signal fired; the message is not sent
   * @throws {ConnectionClosedError} the socket is closed
   */
  async send (body: Uint8Array | string, options: SendOptions = {}): Promise<void> {
    await this.#outbox.send(this.outgoing(body, options), options)
  }

  protected override refusal (): Error | undefined {
    return Array.from(this.pipes).some(pipe => pipe.open) ? new InvalidStateError('a PAIR has one peer, and it is there', 'paired') : undefined
  }

  protected override onready (): void {
    this.#outbox.flush()
  }

  protected onmessage (pipe: ChannelPipe, data: Uint8Array): void {
    this.deliver(pipe, data)
  }

  protected override onclosed (error: Error): void {
    super.onclosed(error)
    this.#outbox.close(error)
  }
}

export type Pair = PairSocket

/** Version 0, the one that nanomsg has. */
export function pair (options: BufferedOptions = {}): Pair {
  return new PairSocket(options)
}
