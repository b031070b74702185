import { expect } from 'aegir/chai'
import { summary } from '../../src/cli/ping.ts'

describe('summary', () => {
  const cases: Array<[number[], [number, number, number]]> = [
    [[7], [7, 7, 7]],
    [[30, 4], [4, 4, 30]],
    [[30, 4, 100], [4, 30, 100]],
    [[4, 3, 2, 1], [1, 2, 4]]
  ]

  for (const [times, [min, p50, max]] of cases) {
    it(`has the smallest, middle and largest of ${times.join(', ')}`, () => {
      const given = [...times]

      expect(summary(given)).to.deep.equal({ count: times.length, min, p50, max })
      expect(given).to.deep.equal(times)
    })
  }
})
