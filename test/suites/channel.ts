import { close } from './close.ts'
import { exchange } from './exchange.ts'
import { flow } from './flow.ts'
import type { OpenPair } from './peer.ts'

/** In what the engines differ, because not every platform lets them be the same. */
export interface Traits {
  /** What a close code is on its way to the peer. */
  sentCode (code: number): number
  /** The code that the peer sees when the channel is aborted. */
  abortCode: number
  /** It can stop the peer. */
  pauses: boolean
  /** What an idle channel is given leaves before the call returns, without what the same turn still brings. */
  writesAtOnce: boolean
  /** It delivers what comes in while it closes. */
  readsWhileClosing: boolean
}

/** An engine, with each kind of peer. */
export interface Stamp {
  name: string
  traits: Traits
  opens: Record<string, OpenPair>
}

/** What every channel does: stamped for each engine and kind of address, with each kind of peer. */
export function channelSuite ({ name, traits, opens }: Stamp): void {
  describe(`channel, ${name}`, () => {
    for (const [opposite, open] of Object.entries(opens)) {
      describe(`with ${opposite}`, () => {
        describe('exchange', () => { exchange(open, traits) })
        describe('flow', () => { flow(open, traits) })
        describe('close', () => { close(open, traits) })
      })
    }
  })
}
