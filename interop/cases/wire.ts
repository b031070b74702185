/** What both sides put on the wire, frame by frame. docs/interop.md says the same: where this fails, that page is out of date. */
import { expect } from 'aegir/chai'
import { meet, onPort, PLAIN, portOf } from '../meeting.ts'
import { isBinary, messages, tap } from '../tap.ts'
import type { Pairing } from '../meeting.ts'
import type { Tap } from '../tap.ts'

const MIB = 1_048_576
/** py-libp2p takes no larger message by default, and rust-libp2p in browsers no more that it has not read. */
const PEERS_LIMIT = MIB

/** Bytes of payload in the largest frame of a peer, and whether it splits messages into frames. */
export interface FrameFacts {
  largest: number
  fragments?: boolean
}

export function wire (pairing: Pairing, facts: FrameFacts): void {
  it('frames on the wire', async () => {
    const tapped = Promise.withResolvers<Tap>()
    const { dialler } = await meet(pairing, {
      ...PLAIN,
      dial: async (address) => {
        tapped.resolve(await tap(portOf(address)))
        return onPort(address, (await tapped.promise).port)
      }
    })

    await dialler.echo(MIB)

    const wire = await tapped.promise
    const [ours, theirs] = pairing.weDial ? [wire.dialler(), wire.listener()] : [wire.listener(), wire.dialler()]

    expect(messages(ours).reduce((a, b) => a + b)).to.be.above(MIB)
    expect(ours.every(isBinary)).to.be.true()
    expect(ours.every(({ fin }) => fin)).to.be.true()
    expect(ours.every(({ masked }) => masked === pairing.weDial)).to.be.true()
    expect(Math.max(...messages(ours))).to.be.below(PEERS_LIMIT / 2)

    expect(theirs.every(isBinary)).to.be.true()
    expect(theirs.every(({ masked }) => masked !== pairing.weDial)).to.be.true()
    expect(theirs.some(({ fin }) => !fin), 'fragments').to.equal(facts.fragments ?? false)
    expect(Math.max(...theirs.map(({ length }) => length)), 'largest frame').to.equal(facts.largest)
  })
}
