import { ReceivingSocket } from './receiving.ts'
import type { SendOptions } from './message.ts'
import type { BestEffortOptions } from './options.ts'
import type { ChannelPipe } from './pipe.ts'

/** Sends each message to all its peers, and takes theirs; nothing is passed on. */
class BusSocket extends ReceivingSocket {
  constructor (init: BestEffortOptions) {
    super('bus', init)
  }

  /**
   * Resolves at once. A peer that is not there, or has `sendBuffer` messages to catch up with, does not get it.
   *
   * @param body - not copied: it belongs to the socket from now on
   * @param options - of this message
   * @throws {ConnectionClosedError} the socket is closed
   */
  async send (body: Uint8Array | string, options: Pick<SendOptions, 'text'> = {}): Promise<void> {
    this.pipes.offer(this.outgoing(body, options))
  }

  protected onmessage (pipe: ChannelPipe, data: Uint8Array): void {
    if (!this.inbox.full) {
      this.inbox.push(data)
    }
  }
}

export type Bus = BusSocket

export function bus (options: BestEffortOptions = {}): Bus {
  return new BusSocket(options)
}
