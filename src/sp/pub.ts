import { ProtocolError } from '@libp2p/interface'
import { SpSocket } from './socket.ts'
import type { SendOptions } from './message.ts'
import type { BestEffortOptions } from './options.ts'
import type { ChannelPipe } from './pipe.ts'

/** Sends each message to all SUB peers, which filter. */
class PubSocket extends SpSocket {
  constructor (init: BestEffortOptions) {
    super('pub', init)
  }

  /**
   * Resolves at once. A peer that is not there, or has `sendBuffer` messages to catch up with, does not get it.
   *
   * @param body - begins with its topic; not copied: it belongs to the socket from now on
   * @param options - of this message
   * @throws {ConnectionClosedError} the socket is closed
   */
  async send (body: Uint8Array | string, options: Pick<SendOptions, 'text'> = {}): Promise<void> {
    this.pipes.offer(this.outgoing(body, options))
  }

  protected onmessage (pipe: ChannelPipe): void {
    throw new ProtocolError('a SUB peer sends nothing')
  }

  protected onclosed (): void {}
}

export type Pub = PubSocket

export function pub (options: BestEffortOptions = {}): Pub {
  return new PubSocket(options)
}
