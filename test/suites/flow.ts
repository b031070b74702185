import { expect } from 'aegir/chai'
import { concat } from 'uint8arrays/concat'
import { equals } from 'uint8arrays/equals'
import { delay } from '../fixtures/delay.ts'
import { pattern } from '../fixtures/streams.ts'
import { until } from '../fixtures/until.ts'
import { Inbox, collect } from './peer.ts'
import type { Traits } from './channel.ts'
import type { OpenPair } from './peer.ts'
import type { Channel } from '../../src/channel/index.ts'

const MIB = 1_048_576

/** More than the buffers of the system between two sockets: 6 MiB to receive, 4 MiB to send. */
const OVERFLOW = 16 * MIB

/** What a paused end must not receive would have come by then, ms. */
const QUIET = 20

/** Neither end runs ahead of the other. */
export function flow (open: OpenPair, { pauses }: Traits): void {
  it('says false from the high water mark on, and drains at the low one', async () => {
    const { channel, peer } = await open({ highWaterMark: 500_000, lowWaterMark: 100_000 })
    const drains: number[] = []
    peer.pause()

    await stall(channel)
    expect(channel.needsDrain).to.equal(true)
    expect(channel.send(pattern(1))).to.equal(false)
    channel.ondrain = () => { drains.push(channel.bufferedAmount) }

    peer.resume()
    await peer.inbox.until(({ size }) => size === channel.bytesOut)
    await until(() => !channel.needsDrain)
    expect(drains).to.have.lengthOf(1)
    expect(drains[0]).to.be.at.most(100_000)
    expect(channel.needsDrain).to.equal(false)
  })

  it('drains when nothing is left, if the low water mark is 0', async () => {
    const { channel, peer } = await open({ lowWaterMark: 0 })

    peer.pause()
    await stall(channel)
    peer.resume()
    await new Promise<void>(resolve => { channel.ondrain = resolve })

    expect(channel.bufferedAmount).to.equal(0)
    await peer.inbox.until(({ size }) => size === channel.bytesOut)
  })

  it('drains what is less than one write, if the low water mark is 0', async () => {
    const { channel, peer } = await open({ mode: 'bytes', highWaterMark: 1, lowWaterMark: 0 })
    const drained = new Promise<void>(resolve => { channel.ondrain = resolve })

    // the second has to wait, where the first leaves at once
    channel.send(pattern(1))
    expect(channel.send(pattern(1))).to.equal(false)
    await drained

    expect(channel.bufferedAmount).to.equal(0)
    await peer.inbox.until(({ size }) => size === 2)
  })

  if (pauses) {
    it('stops a peer that sends more than it reads', async () => {
      const { channel, peer } = await open({ mode: 'bytes' })
      const inbox = collect(channel)
      channel.pause()

      for (let sent = 0; sent < OVERFLOW; sent += CHUNK.length) {
        peer.send(CHUNK)
      }

      await quiet(async () => peer.unsent())
      expect(await peer.unsent()).to.be.above(2 * MIB)
      expect(channel.bytesIn).to.equal(0)

      channel.resume()
      await inbox.until(({ size }) => size === OVERFLOW)
      expect(equals(inbox.bytes, repeated(OVERFLOW))).to.equal(true)
    })
  }

  for (const mode of ['messages', 'bytes'] as const) {
    it(`accepts no more than a few MiB for a peer that does not read, in mode ${mode}`, async () => {
      const { channel, peer } = await open({ mode })
      peer.pause()

      await stall(channel)
      expect(channel.needsDrain).to.equal(true)
      expect(channel.bytesOut).to.be.below(OVERFLOW)

      peer.resume()
      await peer.inbox.until(({ size }) => size === channel.bytesOut)
      expect(equals(peer.inbox.bytes, repeated(channel.bytesOut))).to.equal(true)
    })

    it(`delivers nothing after a pause, not even of what it has read, in mode ${mode}`, async () => {
      const { channel, peer } = await open({ mode })
      const inbox = new Inbox()
      channel.onmessage = (data, text) => {
        channel.pause()
        inbox.add(data, text)
      }
      const sent = Array.from({ length: 20 }, (_, i) => pattern(i + 1))
      const total = concat(sent)
      sent.forEach(data => { peer.send(data) })

      await inbox.until(({ messages }) => messages.length === 1)
      await delay(QUIET)
      expect(inbox.messages).to.have.lengthOf(1)

      // in byte mode, what one read brought is one piece
      while (inbox.size < total.length) {
        const before = inbox.messages.length
        channel.resume()
        await inbox.until(({ messages }) => messages.length > before)
        expect(inbox.messages).to.have.lengthOf(before + 1)
      }

      expect(inbox.bytes).to.deep.equal(total)
    })

    it(`keeps what comes while there is no receiver, in mode ${mode}`, async () => {
      const { channel, peer } = await open({ mode })
      const inbox = collect(channel)
      peer.send(pattern(10))
      await inbox.until(({ size }) => size === 10)

      channel.onmessage = undefined
      peer.send(pattern(20))
      await delay(QUIET)
      expect(channel.bytesIn).to.equal(10)

      channel.onmessage = inbox.add
      await inbox.until(({ size }) => size === 30)
    })

    it(`stays paused when it gets a receiver, in mode ${mode}`, async () => {
      const { channel, peer } = await open({ mode })
      channel.pause()
      const inbox = collect(channel)
      peer.send(pattern(10))
      await delay(QUIET)
      expect(inbox.size).to.equal(0)

      channel.resume()
      await inbox.until(({ size }) => size === 10)
    })

    it(`keeps order when the receiver pauses and resumes while it receives, in mode ${mode}`, async () => {
      const { channel, peer } = await open({ mode })
      const inbox = new Inbox()
      channel.onmessage = (data, text) => {
        channel.pause()
        channel.resume()
        inbox.add(data, text)
      }
      const sent = Array.from({ length: 500 }, (_, i) => pattern(i * 3 + 1))
      sent.forEach(data => { peer.send(data) })

      await inbox.until(({ size }) => size === concat(sent).length)
      expect(inbox.bytes).to.deep.equal(concat(sent))
    })

    it(`keeps everything until somebody listens, in mode ${mode}`, async () => {
      const { channel, peer } = await open({ mode })
      const data = pattern(200_000)

      peer.send(data.subarray(0, 10))
      peer.send(data.subarray(10))
      // a turn of pause and resume is no reason to let go of it
      channel.pause()
      channel.resume()
      await delay(QUIET)
      expect(channel.bytesIn).to.equal(0)

      const inbox = collect(channel)
      await inbox.until(({ size }) => size === data.length)
      expect(equals(inbox.bytes, data)).to.equal(true)
    })
  }
}

const CHUNK = pattern(65_536)

/** `length` bytes of one chunk after the other. */
function repeated (length: number): Uint8Array {
  return concat(Array.from({ length: Math.ceil(length / CHUNK.length) }, () => CHUNK)).subarray(0, length)
}

/** Send chunks, obeying `ondrain`, until it has not come for a while. */
async function stall (channel: Channel): Promise<void> {
  let drained = true

  while (drained) {
    while (channel.send(CHUNK)) {
      // until it says false
    }

    drained = await Promise.race([
      new Promise<true>(resolve => { channel.ondrain = () => { resolve(true) } }),
      delay(QUIET).then(() => false)
    ])
  }
}

/** Resolves when a number no longer changes. */
async function quiet (read: () => Promise<number>): Promise<void> {
  for (let before = NaN, now = await read(); before !== now; now = await read()) {
    before = now
    await delay(QUIET)
  }
}
