import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { Backoff, Dialer } from '../../src/sp/dialer.ts'
import type { ChannelPipe } from '../../src/sp/pipe.ts'

describe('sp backoff', () => {
  it('stays the same without a maximum, as NNG and nanomsg have it', () => {
    const backoff = new Backoff(1_000, 0, () => 0.5)

    expect([backoff.next(), backoff.next(), backoff.next()]).to.deep.equal([500, 500, 500])
  })

  it('doubles up to the maximum, and starts over', () => {
    const backoff = new Backoff(100, 350, () => 1)

    expect([backoff.next(), backoff.next(), backoff.next(), backoff.next()]).to.deep.equal([100, 200, 350, 350])
    backoff.reset()
    expect(backoff.next()).to.equal(100)
  })

  it('is random, from nothing to the bound', () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(10_000), fc.nat(100_000), (random, min, max) => {
      const backoff = new Backoff(min, max, () => random)

      for (let i = 0; i < 10; i++) {
        expect(backoff.next()).to.be.within(0, Math.max(min, max))
      }
    }))
  })
})

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
