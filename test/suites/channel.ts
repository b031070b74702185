import { close } from './close.ts'
import { exchange } from './exchange.ts'
import { flow } from './flow.ts'
import { OPPOSITES, pairs } from './pair.ts'
import type { Engine } from './pair.ts'

/** What every channel does: stamped for each engine and kind of address, with each kind of peer. */
export function channelSuite (name: string, engine: Engine, kind: string): void {
  describe(`channel, ${name}, ${kind}`, () => {
    for (const opposite of OPPOSITES) {
      describe(`with ${opposite}`, () => {
        const open = pairs(engine, kind, opposite)

        describe('exchange', () => { exchange(open) })
        describe('flow', () => { flow(open) })
        describe('close', () => { close(open) })
      })
    }
  })
}
