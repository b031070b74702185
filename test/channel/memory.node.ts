/** Much data through a channel whose reader stops now and then: it arrives, and never piles up. */
import { expect } from 'aegir/chai'
import { dial } from '../../src/channel/index.ts'
import { listen } from '../../src/server/index.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { pattern } from '../fixtures/streams.ts'
import type { Channel, ChannelMode } from '../../src/channel/index.ts'

const MIB = 1_048_576
const TOTALS: Record<ChannelMode, number> = { messages: 256 * MIB, bytes: 1_024 * MIB }
const CHUNK = pattern(256 * 1_024)

/** The reader stops once in so many bytes, for some ms. */
const STOP_EVERY = 100 * MIB
const STOP = 30

/** What the process may grow by, garbage of both ends included; and what may be under way, the buffers of the system included. */
const GROWTH = 192 * MIB

describe('channel: memory', function () {
  this.timeout(30_000)

  for (const mode of ['messages', 'bytes'] as const) {
    const total = TOTALS[mode]

    it(`is bounded while ${total / MIB} MiB go to a reader that stops again and again, in mode ${mode}`, async () => {
      const { dialled, accepted } = await pair(mode)
      const done = Promise.withResolvers<void>()
      let peak = 0
      let lead = 0
      let nextStop = STOP_EVERY
      const before = process.memoryUsage.rss()

      accepted.onmessage = (data) => {
        peak = Math.max(peak, process.memoryUsage.rss())
        lead = Math.max(lead, dialled.bytesOut - accepted.bytesIn)

        if (accepted.bytesIn >= nextStop) {
          nextStop += STOP_EVERY
          accepted.pause()
          setTimeout(() => { accepted.resume() }, STOP)
        }

        // the first byte tells whether it is the one that follows
        if (data[0] !== CHUNK[(accepted.bytesIn - data.length) % CHUNK.length] || accepted.bytesIn === total) {
          done.resolve()
        }
      }

      await send(dialled, total)
      await done.promise
      expect(accepted.bytesIn).to.equal(total)
      expect(peak - before).to.be.below(GROWTH)
      expect(lead).to.be.below(GROWTH)
    })
  }
})

async function pair (mode: ChannelMode): Promise<{ dialled: Channel, accepted: Channel }> {
  const accepted = Promise.withResolvers<Channel>()
  const server = await listen('/ip4/127.0.0.1/tcp/0/ws', { mode }, accepted.resolve)
  cleanUp(async () => server.close())

  const dialled = await dial(server.addresses[0], { mode })
  cleanUp(() => { dialled.abort() })

  return { dialled, accepted: await accepted.promise }
}

/** Offer everything, as fast as it is taken. */
async function send (channel: Channel, total: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()

  const offer = (): void => {
    let saturated = false

    while (!saturated && channel.bytesOut < total) {
      saturated = !channel.send(CHUNK)
    }

    if (!saturated) {
      resolve()
    }
  }

  channel.ondrain = offer
  offer()
  await promise
}
