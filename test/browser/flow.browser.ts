/** 1 GiB is offered to a page that does not read: it does not pile up. */
import { expect } from 'aegir/chai'
import { delay } from '../fixtures/delay.ts'
import { until } from '../fixtures/until.ts'
import { engines } from './engines.ts'
import { openRemote } from './remote.ts'

const GIB = 1_073_741_824

/** What the buffers between the two processes hold, and more than what the page does. */
const UNDER_WAY = 24 * 1_048_576
const QUIET = 200

for (const { name, dial, traits } of engines) {
  describe(`a stalled page, ${name}`, () => {
    if (traits.pauses) {
      it('holds a node that offers 1 GiB, until it goes on', async () => {
        const { channel, peer } = await openRemote(dial, 'our server', { mode: 'bytes' })
        channel.onmessage = () => {}
        channel.pause()

        peer.flood(GIB)
        await quiet(() => peer.gone)
        expect(peer.gone).to.be.below(UNDER_WAY)
        expect(await peer.unsent()).to.be.above(0)
        expect(channel.bytesIn).to.equal(0)

        channel.resume()
        await until(() => channel.bytesIn > 2 * UNDER_WAY)
      })
    } else {
      it('is cut from a node that offers 1 GiB, because this browser cannot hold it', async () => {
        const { channel, peer } = await openRemote(dial, 'our server', { mode: 'bytes' })
        channel.onmessage = () => {}
        channel.pause()

        peer.flood(GIB)

        expect(await channel.closed).to.have.nested.property('error.name', 'StreamBufferError')
        expect(await peer.closed).to.include({ code: 4006 })
        // the browser itself reads far ahead of its page
        expect(peer.gone).to.be.below(GIB)
        expect(channel.bytesIn).to.equal(0)
      })
    }
  })
}

/** Resolves when a number no longer changes. */
async function quiet (read: () => number): Promise<void> {
  for (let before = 0; before === 0 || before !== read();) {
    before = read()
    await delay(QUIET)
  }
}
