import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { Backoff } from '../src/backoff.ts'

describe('backoff', () => {
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
