import { expect } from 'aegir/chai'
import { Uint8ArrayList } from 'uint8arraylist'
import { concat } from 'uint8arrays/concat'
import { equals } from 'uint8arrays/equals'
import { MAX_INBOUND_MESSAGE, MAX_OUTBOUND_MESSAGE } from '../../src/constants.ts'
import { pattern } from '../fixtures/streams.ts'
import { collect } from './peer.ts'
import type { Traits } from './channel.ts'
import type { OpenPair } from './peer.ts'

/** Sizes on both sides of every step in the length of a frame header, and of a socket read. */
const SIZES = [0, 1, 125, 126, 65_535, 65_536, 200_000]

/** Messages and bytes arrive as they were sent. */
export function exchange (open: OpenPair, traits: Traits): void {
  describe('message mode', () => {
    it('keeps boundaries, kinds and order, both ways', async () => {
      const { channel, peer } = await open()
      const inbox = collect(channel)
      const messages = SIZES.flatMap(size => [{ data: pattern(size), text: false }, { data: encode(`${'é'.repeat(size / 2)}${'!'.repeat(size % 2)}`), text: true }])

      for (const { data, text } of messages) {
        channel.send(data, { text })
        peer.send(text ? new TextDecoder().decode(data) : data)
      }

      await Promise.all([inbox, peer.inbox].map(async end => end.until(({ messages: { length } }) => length === messages.length)))
      expect(inbox.messages).to.deep.equal(messages)
      expect(peer.inbox.messages).to.deep.equal(messages)
      expect(channel.bytesIn).to.equal(inbox.size)
      expect(channel.bytesOut).to.equal(inbox.size)
    })

    it('carries the largest message that is accepted', async () => {
      const { channel, peer } = await open()
      const inbox = collect(channel)
      const huge = pattern(MAX_INBOUND_MESSAGE)

      channel.send(huge)
      peer.send(huge)

      await Promise.all([inbox, peer.inbox].map(async end => end.until(({ messages }) => messages.length > 0)))
      expect(equals(inbox.messages[0].data, huge)).to.equal(true)
      expect(equals(peer.inbox.messages[0].data, huge)).to.equal(true)
    })

    it('sends a message over maxFrame in fragments', async () => {
      const { channel, peer } = await open({ maxFrame: 1_000 })
      const messages = [0, 1, 999, 1_000, 1_001, 2_000, 70_500].map(pattern)

      messages.forEach(message => { channel.send(new Uint8ArrayList(message.subarray(0, 700), message.subarray(700))) })

      await peer.inbox.until(({ messages: { length } }) => length === messages.length)
      expect(peer.inbox.messages.map(({ data }) => data)).to.deep.equal(messages)
    })

    it('sends the parts of a list as one message', async () => {
      const { channel, peer } = await open()

      channel.send(new Uint8ArrayList(pattern(3), pattern(10_000), new Uint8Array(0), pattern(1)))

      const { messages } = await peer.inbox.until(({ messages }) => messages.length > 0)
      expect(messages.map(({ data }) => data.length)).to.deep.equal([10_004])
    })

    it('refuses what is not bytes, and sends none of it', async () => {
      const { channel, peer } = await open()

      for (const data of ['hi', new Uint16Array([258, 3]), new ArrayBuffer(2), new DataView(new ArrayBuffer(2)), [1, 2], {}, null, undefined]) {
        expect(() => channel.send(data as Uint8Array)).to.throw().with.property('name', 'InvalidParametersError')
      }

      channel.send(pattern(1))
      await peer.inbox.until(({ messages }) => messages.length > 0)
      expect(peer.inbox.messages).to.have.lengthOf(1)
      expect(channel.bytesOut).to.equal(1)
    })

    it('does not change what it was given to send', async () => {
      const { channel, peer } = await open()
      const data = pattern(70_000)

      channel.send(data)
      await peer.inbox.until(({ size }) => size === data.length)

      expect(data).to.deep.equal(pattern(70_000))
    })
  })

  describe('byte mode', () => {
    it(traits.writesAtOnce ? 'sends the first write of a turn at once, and the others as one binary message' : 'sends all writes of one turn as one binary message', async () => {
      const { channel, peer } = await open({ mode: 'bytes' })
      const writes = Array.from({ length: 50 }, (_, i) => pattern(1 + i * 7))
      const turn = (): void => { writes.forEach(data => { channel.send(data) }) }

      turn()
      await peer.inbox.until(({ size }) => size === channel.bytesOut)
      turn()
      await peer.inbox.until(({ size }) => size === channel.bytesOut)

      const expected = traits.writesAtOnce ? [writes[0], concat(writes.slice(1))] : [concat(writes)]
      expect(peer.inbox.messages).to.deep.equal([...expected, ...expected].map(data => ({ data, text: false })))
    })

    it('bounds its messages, and keeps order through a long turn', async () => {
      const { channel, peer } = await open({ mode: 'bytes' })
      const data = pattern(1_500_000)

      channel.send(data.subarray(0, 400_000))

      for (let at = 400_000; at < data.length; at += 10_007) {
        channel.send(data.subarray(at, at + 10_007))
      }

      await peer.inbox.until(({ size }) => size === data.length)
      expect(equals(peer.inbox.bytes, data)).to.equal(true)
      expect(Math.max(...peer.inbox.messages.map(({ data }) => data.length))).to.equal(MAX_OUTBOUND_MESSAGE)
    })

    it('sends the last byte without another write behind it', async () => {
      const { channel, peer } = await open({ mode: 'bytes' })

      // as much as makes the socket busy, then one byte that has to wait
      peer.pause()
      while (channel.send(new Uint8Array(65_536))) {
        // until it says false
      }
      channel.send(Uint8Array.of(42))
      peer.resume()

      await peer.inbox.until(({ size }) => size === channel.bytesOut)
      expect(peer.inbox.bytes.at(-1)).to.equal(42)
    })

    it('delivers the bytes of all messages, text too', async () => {
      const { channel, peer } = await open({ mode: 'bytes' })
      const inbox = collect(channel)
      const huge = pattern(300_000)

      peer.send('')
      peer.send('text')
      peer.send(huge)
      peer.send(new Uint8Array(0))
      peer.send('end')

      await inbox.until(({ size }) => size === huge.length + 7)
      expect(equals(inbox.bytes, concat([encode('text'), huge, encode('end')]))).to.equal(true)
      expect(inbox.messages.some(({ text }) => text)).to.equal(false)
    })
  })
}

function encode (text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
