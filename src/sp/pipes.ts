import type { Outgoing } from './message.ts'
import type { ChannelPipe } from './pipe.ts'

/** The pipes of a socket, or of an endpoint of it. The one whose turn it is comes first. */
export class Pipes extends Set<ChannelPipe> {
  /** The next in turn that is ready. */
  nextReady (): ChannelPipe | undefined {
    for (const pipe of this) {
      if (pipe.ready) {
        if (this.size > 1) {
          this.delete(pipe)
          this.add(pipe)
        }

        return pipe
      }
    }
  }

  /** Best effort, to each. */
  offer (message: Outgoing): void {
    this.forEach(pipe => { pipe.offer(message) })
  }

  /** End them, with what they have to send; bounded in time. */
  async close (code?: number): Promise<void> {
    await Promise.all(Array.from(this, async pipe => pipe.close(code)))
  }
}
