import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'aegir/chai'
import { Backoff } from '../../../src/backoff.ts'
import { Link } from '../../../src/bridge/tunnel/link.ts'
import type { Connection } from '@libp2p/interface'

describe('tunnel link', () => {
  it('leaves a peer that only ends its connections alone for longer each time, however long a dial takes', async () => {
    const backoff = new Backoff(20, 80, () => 0)
    const bounds: number[] = []
    const { promise: over, resolve: stop } = Promise.withResolvers<void>()
    const link = new Link(async () => {
      await delay(100)
      return { status: 'closed' } as any as Connection
    }, backoff, {
      onlost: () => {
        if (bounds.push(backoff.bound) === 4) {
          stop()
        }
      }
    })

    link.startInBackground()
    await over
    await link.close()

    expect(bounds).to.deep.equal([20, 40, 80, 80])
  })
})
