import { ReceivingSocket } from './receiving.ts'
import type { SocketOptions } from './options.ts'
import type { ChannelPipe } from './pipe.ts'

/** Takes the messages of all PUSH peers, in turns. */
class PullSocket extends ReceivingSocket {
  constructor (init: SocketOptions) {
    super('pull', init)
  }

  protected onmessage (pipe: ChannelPipe, data: Uint8Array): void {
    this.deliver(pipe, data)
  }
}

export type Pull = PullSocket

export function pull (options: SocketOptions = {}): Pull {
  return new PullSocket(options)
}
