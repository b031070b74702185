import { expect } from 'aegir/chai'
import { Backoff } from '../../src/backoff.ts'
import { Dialer } from '../../src/sp/dialer.ts'
import type { ChannelPipe } from '../../src/sp/pipe.ts'

describe('sp dialer', () => {
  /** Dials without waiting, gets pipes that live for so long, ms, and bring nothing; the bound of the wait after the last. */
  async function boundAfter (lives: number[], backoff: Backoff): Promise<number> {
    const { promise: over, resolve: stop } = Promise.withResolvers<void>()
    const left = [...lives]
    const dialer = new Dialer(async () => {
      const life = left.shift()

      if (life == null) {
        stop()
        throw new Error('no more pipes')
      }

      return { channel: { bytesIn: 0, closed: new Promise(resolve => { setTimeout(resolve, life) }) }, close: async () => {} } as any as ChannelPipe
    }, backoff, () => {})

    dialer.startInBackground()
    await over
    const { bound } = backoff
    await dialer.close()

    return bound
  }

  it('leaves a peer that only ends its pipes alone for longer each time', async () => {
    expect(await boundAfter([0, 0, 0], new Backoff(10_000, 80_000, () => 0))).to.equal(80_000)
  })

  it('starts over after a pipe that lived, though nothing came by it', async () => {
    expect(await boundAfter([0, 0, 200], new Backoff(20, 10_000, () => 0))).to.equal(40)
  })
})
