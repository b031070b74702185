import { expect } from 'aegir/chai'
import { Rate } from '../../src/server/rate.ts'

describe('rate', () => {
  it('counts each key in a second, which begins with the first after the last one', () => {
    const rate = new Rate(2)
    const exceeds = (key: string, ...times: number[]): boolean[] => times.map(now => rate.exceeds(key, now))

    expect(exceeds('a', 5_000, 5_500, 5_999)).to.deep.equal([false, false, true])
    expect(exceeds('b', 5_999)).to.deep.equal([false])
    expect(exceeds('a', 6_000, 6_100, 6_200)).to.deep.equal([false, false, true])
    expect(exceeds('a', 9_000, 9_999, 9_999, 10_000)).to.deep.equal([false, false, true, false])
  })

  it('has no limit by default', () => {
    const rate = new Rate()

    expect(Array.from({ length: 1_000 }, () => rate.exceeds('a', 0))).to.not.include(true)
  })
})
