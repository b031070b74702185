import { expect } from 'aegir/chai'
import { Backoff } from '../src/backoff.ts'
import { Redialer } from '../src/redialer.ts'
import { delay } from './fixtures/delay.ts'

interface Life {
  /** How long the dial takes, ms. */
  dial?: number
  /** How long the connection lives then, ms. */
  life?: number
  useful?: boolean
}

describe('redialer', () => {
  /** The bound of the wait behind each of these connections. */
  async function boundsAfter (lives: Life[], backoff: Backoff): Promise<number[]> {
    const { promise: over, resolve: stop } = Promise.withResolvers<void>()
    const left = [...lives]
    const bounds: number[] = []
    const redialer = new Redialer<Life>({
      backoff,
      connect: async () => {
        if (left.length < lives.length) {
          bounds.push(backoff.bound)
        }

        const next = left.shift()

        if (next == null) {
          stop()
          throw new Error('no more connections')
        }

        await delay(next.dial ?? 0)

        return next
      },
      ended: async ({ life = 0 }) => {
        await delay(life)
        return undefined
      },
      useful: ({ useful = false }) => useful
    })

    redialer.startInBackground()
    await over
    await redialer.close()

    return bounds
  }

  it('leaves a peer that only ends its connections alone for longer each time', async () => {
    expect(await boundsAfter([{}, {}, {}], new Backoff(10_000, 80_000, () => 0))).to.deep.equal([20_000, 40_000, 80_000])
  })

  it('does so however long the dials take', async () => {
    expect(await boundsAfter([{ dial: 150 }, { dial: 300 }, { dial: 500 }], new Backoff(100, 10_000, () => 0))).to.deep.equal([200, 400, 800])
  })

  it('starts over after a connection that lived', async () => {
    expect(await boundsAfter([{}, {}, { life: 500 }], new Backoff(100, 10_000, () => 0))).to.deep.equal([200, 400, 200])
  })

  it('starts over after one that was useful, however short it lived', async () => {
    expect(await boundsAfter([{}, { useful: true }], new Backoff(10_000, 80_000, () => 0))).to.deep.equal([20_000, 20_000])
  })

  it('hands out the connection that lives, also behind one whose callback threw', async () => {
    const ends: Array<() => void> = []
    let dialled = 0
    const redialer = new Redialer<number>({
      backoff: new Backoff(1, 1),
      connect: async () => ++dialled,
      ended: async () => new Promise(resolve => { ends.push(() => { resolve(new Error('lost')) }) }),
      onconnected: (connection) => {
        if (connection === 2) {
          throw new Error('a bug')
        }
      }
    })
    const { signal } = new AbortController()
    await redialer.start()
    expect(await redialer.connection(signal)).to.equal(1)

    ends[0]()
    await delay(0)
    expect(await redialer.connection(signal)).to.equal(3)

    const closed = redialer.close()
    ends[1]()
    await closed
  })

  it('keeps nothing where the first dial fails', async () => {
    let dialled = 0
    const redialer = new Redialer<number>({
      backoff: new Backoff(1, 1),
      connect: async () => { throw new Error(`failed ${++dialled}`) },
      ended: async () => undefined
    })

    await expect(redialer.start()).to.eventually.be.rejectedWith('failed 1')
    await redialer.close()
    expect(dialled).to.equal(1)
  })
})
