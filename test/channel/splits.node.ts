/** However a byte stream is cut, on the wire or by frames, the same arrives. */
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { pattern } from '../fixtures/streams.ts'
import { collect } from '../suites/peer.ts'
import { ROLES, wirePair } from './wire-pair.ts'
import type { Frame, Wire } from './wire.ts'

const CONTINUATION = 0
const TEXT = 1
const BINARY = 2
const PING = 9
const PONG = 10

const sizes = fc.oneof({ weight: 5, arbitrary: fc.nat(300) }, { weight: 1, arbitrary: fc.nat(70_000) })

for (const role of ROLES) {
  describe(`channel as ${role}: any cut`, () => {
    it('delivers the same messages, wherever the stream is cut in two', async () => {
      const { channel, wire } = await wirePair(role)
      const inbox = collect(channel)
      const stream = Buffer.concat([
        wire.frame(TEXT, 'né', { fin: false }), wire.frame(PING, 'p'), wire.frame(CONTINUATION, 'e', { fin: false }), wire.frame(CONTINUATION),
        wire.frame(BINARY, pattern(130)), wire.frame(BINARY)
      ])

      for (let cut = 1; cut < stream.length; cut++) {
        wire.socket.write(stream.subarray(0, cut))
        await new Promise(setImmediate)
        wire.socket.write(stream.subarray(cut))
        await inbox.until(({ messages }) => messages.length === 3 * cut)

        expect(inbox.messages.slice(-3).map(({ data }) => Buffer.from(data).toString('hex')), `${cut}`).to.deep.equal(['6ec3a965', Buffer.from(pattern(130)).toString('hex'), ''])
      }

      await wire.until(({ length }) => length === stream.length - 1)
      expect(wire.frames.every(({ opcode, payload }) => opcode === PONG && payload.toString() === 'p')).to.equal(true)
    })

    it('cuts messages at maxFrame, and no shorter ones', async () => {
      const { channel, wire } = await wirePair(role, { maxFrame: 100 })

      for (const size of [100, 250, 0]) {
        channel.send(pattern(size), { text: size === 0 })
      }

      await wire.until(({ length }) => length === 5)
      expect(wire.frames.map(({ fin, opcode, payload }) => [fin, opcode, payload.length])).to.deep.equal([
        [true, BINARY, 100],
        [false, BINARY, 100], [false, CONTINUATION, 100], [true, CONTINUATION, 50],
        [true, TEXT, 0]
      ])
    })

    it('delivers the same bytes in byte mode, however they are framed and cut', async () => {
      const { channel, wire } = await wirePair(role, { mode: 'bytes' })
      const inbox = collect(channel)

      await fc.assert(fc.asyncProperty(fc.array(fc.tuple(sizes, fc.boolean(), fc.boolean()), { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 6 }), async (fragments, cuts) => {
        const before = inbox.size
        const data = Buffer.from(pattern(fragments.reduce((sum, [size]) => sum + size, 0)))
        const stream = encode(wire, data, fragments)
        const ends = [...cuts.map(cut => cut % (stream.length + 1)), stream.length].sort((a, b) => a - b)

        for (let at = 0; ends.length > 0; at = ends.shift() ?? 0) {
          wire.socket.write(stream.subarray(at, ends[0]))
          await new Promise(setImmediate)
        }

        await inbox.until(({ size }) => size === before + data.length)
        expect(Buffer.from(inbox.bytes).equals(data)).to.equal(true)
        inbox.messages.length = 0
      }), { numRuns: 100 })
    })

    it('sends the same bytes in byte mode, however they are written', async () => {
      const { channel, wire } = await wirePair(role, { mode: 'bytes' })

      await fc.assert(fc.asyncProperty(fc.array(fc.tuple(sizes, fc.boolean()), { maxLength: 12 }), async (writes) => {
        const data = Buffer.from(pattern(writes.reduce((sum, [size]) => sum + size, 0)))
        let at = 0
        wire.frames.length = 0

        for (const [size, nextTurn] of writes) {
          channel.send(data.subarray(at, at += size))

          if (nextTurn) {
            await new Promise(setImmediate)
          }
        }

        const frames = await wire.until(frames => payloadSize(frames) >= data.length)
        expect(Buffer.concat(frames.map(({ payload }) => payload)).equals(data)).to.equal(true)
        expect(frames.every(({ fin, opcode, masked, payload }) => fin && opcode === BINARY && masked === (role === 'client') && payload.length > 0)).to.equal(true)
      }), { numRuns: 100 })
    })

    it('sends messages as they are, however many there are in a turn', async () => {
      const { channel, wire } = await wirePair(role)

      await fc.assert(fc.asyncProperty(fc.array(fc.tuple(sizes, fc.boolean()), { maxLength: 12 }), async (messages) => {
        wire.frames.length = 0
        messages.forEach(([size, text]) => { channel.send(Buffer.alloc(size, 'x'), { text }) })

        const frames = await wire.until(({ length }) => length === messages.length)
        expect(frames.map(({ opcode, payload }) => [payload.length, opcode === TEXT])).to.deep.equal(messages)
      }), { numRuns: 50 })
    })
  })
}

/** Frames of these sizes: each ends a message or not, and may have a ping behind it. */
function encode (wire: Wire, data: Buffer, fragments: Array<[size: number, fin: boolean, ping: boolean]>): Buffer {
  let at = 0
  let fragmented = false

  return Buffer.concat(fragments.flatMap(([size, fin, ping], i) => {
    const last = fin || i === fragments.length - 1
    const encoded = wire.frame(fragmented ? CONTINUATION : BINARY, data.subarray(at, at += size), { fin: last })
    fragmented = !last

    return ping ? [encoded, wire.frame(PING)] : [encoded]
  }))
}

function payloadSize (frames: Frame[]): number {
  return frames.reduce((sum, { payload }) => sum + payload.length, 0)
}
