import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { Queue } from '../../src/sp/queue.ts'

describe('sp queue', () => {
  it('is an array that is pushed, shifted, and left out of turn', () => {
    const step = fc.oneof(fc.constant('push'), fc.constant('shift'), fc.nat(5))

    fc.assert(fc.property(fc.array(step), steps => {
      const [queue, model] = [new Queue<number>(), [] as number[]]

      for (const [i, step] of steps.entries()) {
        if (step === 'push') {
          queue.push(i)
          model.push(i)
        } else if (step === 'shift') {
          expect(queue.shift()).to.equal(model.shift())
        } else {
          queue.delete(model[step] ?? -1)
          model.splice(step, 1)
        }

        expect([queue.length, queue.at(0), queue.at(2)]).to.deep.equal([model.length, model[0], model[2]])
      }

      expect(queue.clear()).to.deep.equal(model)
      expect(queue.length).to.equal(0)
    }))
  })

  it('keeps the order of very many, in no time for each', () => {
    const queue = new Queue<number>()
    const count = 500_000

    for (let i = 0; i < count; i++) {
      queue.push(i)
    }

    for (let i = 0; i < count; i++) {
      if (queue.shift() !== i) {
        expect.fail(`${i} is not in its place`)
      }
    }

    expect(queue.shift()).to.equal(undefined)
  })
})
