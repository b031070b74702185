/** What comes in, as only a hand-written peer can send it. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'aegir/chai'
import { pattern } from '../fixtures/streams.ts'
import { collect, Inbox } from '../suites/peer.ts'
import { ROLES, wirePair } from './wire-pair.ts'

const CONTINUATION = 0
const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10

const MODES = ['messages', 'bytes'] as const

for (const role of ROLES) {
  describe(`channel as ${role}: receiving`, () => {
    it('answers a peer that sends much in fewer messages than it reads', async () => {
      const { channel, wire } = await wirePair(role, { mode: 'bytes' })
      const sent = Buffer.concat(Array.from({ length: 32 }, () => pattern(65_000)))
      let reads = 0
      let size = 0
      channel.onmessage = (data) => {
        size += data.length
        channel.send(Uint8Array.of(++reads))
      }

      wire.send(BINARY, sent)
      const answers = await wire.until((frames) => size === sent.length && Buffer.concat(frames.map(({ payload }) => payload)).length === reads)

      expect(answers).to.have.lengthOf.below(reads)
    })

    for (const mode of MODES) {
      describe(`mode ${mode}`, () => {
        for (const via of ['tcp', 'unix', 'tls'] as const) {
          it(`keeps what a paused receiver has not read of a peer that has left, over ${via}`, async () => {
            for (const end of [[], ['03e8']]) {
              const { channel, wire } = await wirePair(role, { mode, via })
              const inbox = new Inbox()
              channel.onmessage = (data, text) => {
                inbox.add(data, text)
                channel.pause()
              }
              wire.socket.end(Buffer.concat([wire.frame(BINARY, 'one'), wire.frame(PING), wire.frame(BINARY, 'two'), ...end.map(code => wire.frame(CLOSE, Buffer.from(code, 'hex')))]))
              await inbox.until(({ size }) => size === 3)
              // the end has come in by then, and should not be seen
              await delay(20)
              expect(channel.status).to.equal('open')

              channel.resume()
              await inbox.until(({ size }) => size === 6)
              channel.resume()

              expect(await channel.closed).to.include(end.length === 0 ? { code: 1006, wasClean: false } : { code: 1000, wasClean: true })
              expect(inbox.text).to.equal('onetwo')
            }
          })
        }

        it('keeps what came in one segment with the handshake until somebody listens', async () => {
          const early = await earlyBytes(role)
          const { channel, wire } = await wirePair(role, { mode, early })
          await delay(20)
          expect(channel.bytesIn).to.equal(0)

          const inbox = collect(channel)
          wire.send(TEXT, 'end')

          await inbox.until(({ bytes }) => Buffer.from(bytes).includes('end'))
          expect(inbox.text).to.equal('early and more, end')
          expect(await wire.until(({ length }) => length === 1)).to.containSubset([{ opcode: PONG, payload: Buffer.from('first') }])
        })

        it('reads frames cut at every byte', async () => {
          const { channel, wire } = await wirePair(role, { mode })
          const inbox = collect(channel)
          const bytes = Buffer.concat([
            wire.frame(TEXT, 'né', { fin: false }),
            wire.frame(PING, 'ping'),
            wire.frame(CONTINUATION, '', { fin: false }),
            wire.frame(CONTINUATION, 'e'),
            wire.frame(BINARY, pattern(130))
          ])

          for (const byte of bytes) {
            wire.socket.write(Uint8Array.of(byte))
            await new Promise(setImmediate)
          }

          await inbox.until(({ size }) => size === 134)
          expect(inbox.bytes).to.deep.equal(Buffer.concat([Buffer.from('née'), pattern(130)]))
          expect(wire.frames.map(({ opcode, payload }) => `${opcode} ${payload}`)).to.deep.equal([`${PONG} ping`])
        })

        it('takes 100 000 fragments of one byte', async () => {
          const { channel, wire } = await wirePair(role, { mode })
          const inbox = collect(channel)
          const data = pattern(100_000)
          const fragments = Array.from(data, (byte, i) => wire.frame(i === 0 ? BINARY : CONTINUATION, Uint8Array.of(byte), { fin: i === data.length - 1 }))

          wire.socket.write(Buffer.concat(fragments))

          await inbox.until(({ size }) => size === data.length)
          expect(Buffer.from(inbox.bytes).equals(data)).to.equal(true)
          // in byte mode a piece for each read
          expect(inbox.messages.length).to.be.within(1, mode === 'messages' ? 1 : 1_000)
        })

        it('closes with 1009 for a message over the limit, by its header alone', async () => {
          const { channel, wire } = await wirePair(role, { mode, maxMessage: 1_000 })
          const inbox = collect(channel)

          wire.send(BINARY, pattern(1_000))
          wire.socket.write(wire.frame(BINARY, pattern(1_001)).subarray(0, role === 'server' ? 8 : 4))

          expect(await wire.until(({ length }) => length > 0)).to.containSubset([{ opcode: CLOSE, payload: Buffer.from('03f1', 'hex') }])
          wire.socket.end()
          const { code, wasClean, error } = await channel.closed
          expect({ code, wasClean }).to.deep.equal({ code: 1006, wasClean: false })
          expect(error).to.include({ name: 'MessageTooLargeError', size: 1_001, limit: 1_000 })
          expect(inbox.size).to.equal(1_000)
        })

        it('closes with 1009 for fragments that are over the limit together', async () => {
          const { channel, wire } = await wirePair(role, { mode, maxMessage: 1_000 })
          collect(channel)

          wire.send(BINARY, pattern(600), { fin: false })
          wire.send(CONTINUATION, pattern(400), { fin: false })
          wire.send(CONTINUATION, pattern(1))

          expect(await wire.until(({ length }) => length > 0)).to.containSubset([{ opcode: CLOSE, payload: Buffer.from('03f1', 'hex') }])
          wire.socket.end()
          expect((await channel.closed).error).to.include({ name: 'MessageTooLargeError', size: 1_001 })
        })

        it('closes with 1002 for garbage, and drops what is behind it', async () => {
          const { channel, wire } = await wirePair(role, { mode })
          const inbox = collect(channel)

          wire.socket.write(Buffer.concat([wire.frame(TEXT, 'good'), Buffer.alloc(200_000, 0xff)]))

          expect(await wire.until(({ length }) => length > 0)).to.containSubset([{ opcode: CLOSE, payload: Buffer.from('03ea', 'hex') }])
          wire.socket.end()
          const { code, wasClean, error } = await channel.closed
          expect({ code, wasClean }).to.deep.equal({ code: 1006, wasClean: false })
          expect(error).to.have.property('name', 'ProtocolError')
          expect(inbox.text).to.equal('good')
        })

        it('ends the socket of a peer that floods it with garbage and never reads', async () => {
          const { channel, wire } = await wirePair(role, { mode, closeTimeout: 50 })
          collect(channel)
          wire.socket.pause()
          const garbage = setInterval(() => { wire.socket.write(Buffer.alloc(65_536, 0xff)) }, 1)

          expect(await channel.closed).to.include({ code: 1006, wasClean: false })
          clearInterval(garbage)
        })
      })
    }

    it('closes with 1007 for text that is not UTF-8, in message mode only', async () => {
      const { channel, wire } = await wirePair(role)
      collect(channel)

      wire.send(TEXT, Uint8Array.of(0xc3, 0x28))

      expect(await wire.until(({ length }) => length > 0)).to.containSubset([{ opcode: CLOSE, payload: Buffer.from('03ef', 'hex') }])
      wire.socket.end()
      expect((await channel.closed).error).to.have.property('name', 'ProtocolError')

      const bytes = await wirePair(role, { mode: 'bytes' })
      const inbox = collect(bytes.channel)
      bytes.wire.send(TEXT, Uint8Array.of(0xc3, 0x28))
      await inbox.until(({ size }) => size === 2)
    })

    it('delivers the fragments of a message as they come in byte mode', async () => {
      const { channel, wire } = await wirePair(role, { mode: 'bytes' })
      const inbox = collect(channel)

      wire.socket.write(wire.frame(BINARY, pattern(100)).subarray(0, 50))
      await inbox.until(({ size }) => size > 0)

      expect(inbox.bytes).to.deep.equal(Buffer.from(pattern(100).subarray(0, role === 'server' ? 44 : 48)))
    })

    it('hands out memory that is the receiver\'s', async () => {
      const { channel, wire } = await wirePair(role)
      const inbox = collect(channel)
      const sent = Array.from({ length: 30 }, (_, i) => pattern(i * i))

      // one after the other, and each in memory that was read into before
      sent.forEach(data => { wire.send(BINARY, data) })
      await inbox.until(({ messages }) => messages.length === sent.length)
      inbox.messages.forEach(({ data }) => data.fill(0))
      wire.send(BINARY, pattern(1_000))
      await inbox.until(({ messages }) => messages.length > sent.length)

      expect(inbox.messages.at(-1)?.data).to.deep.equal(Buffer.from(pattern(1_000)))
    })
  })
}

/** A ping and a message in two fragments, as the far end of a channel in `role` writes them. */
async function earlyBytes (role: 'client' | 'server'): Promise<Buffer> {
  const { wire } = await wirePair(role)

  return Buffer.concat([wire.frame(PING, 'first'), wire.frame(TEXT, 'early ', { fin: false }), wire.frame(CONTINUATION, 'and more, ')])
}
