/** Ends of a channel that only a misbehaving peer can bring about. */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import { expect } from 'aegir/chai'
import { formatAddress } from '../../src/address/index.ts'
import { until } from '../fixtures/until.ts'
import { collect } from '../suites/peer.ts'
import { ROLES, wirePair } from './wire-pair.ts'
import type { Wire } from './wire.ts'
import type { Channel, ChannelClose } from '../../src/channel/index.ts'

const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10
const NORMAL = Buffer.from('03e8', 'hex')

const MIB = 1_048_576

/** Short and long, ms: a timeout under test, and far more than it may take. */
const SHORT = 60
const LONG = 1_000

for (const role of ROLES) {
  describe(`channel as ${role}: closing`, () => {
    it('ends the socket when the peer does not answer the Close frame', async () => {
      const { channel, wire } = await wirePair(role, { closeTimeout: SHORT })
      const start = performance.now()

      await channel.close(1001, 'bye')

      expect(performance.now() - start).to.be.within(SHORT - 2, LONG)
      expectTimeout(channel, await channel.closed, 'no answer to the Close frame')
      expect((await wire.end()).map(({ opcode, payload }) => ({ opcode, payload }))).to.deep.equal([{ opcode: CLOSE, payload: Buffer.from('03e9627965', 'hex') }])
    })

    it('ends the socket when the peer does not read', async () => {
      const { channel, wire } = await wirePair(role, { closeTimeout: SHORT })
      await clog(channel, () => { wire.socket.pause() })
      const start = performance.now()

      await channel.close()

      expect(performance.now() - start).to.be.within(SHORT - 2, LONG)
      expectTimeout(channel, await channel.closed, 'no progress with what was sent before')
    })

    it('is not clean when the peer closed but did not read up to our Close frame', async () => {
      const { channel, wire } = await wirePair(role, { closeTimeout: SHORT })
      collect(channel)
      await clog(channel, () => { wire.socket.pause() })

      wire.send(CLOSE, NORMAL)

      expectTimeout(channel, await channel.closed, 'no progress with what was sent before', 1000)
    })

    it('is not clean when the socket ends without a Close frame, open or closing', async () => {
      for (const closing of [false, true]) {
        const { channel, wire } = await wirePair(role)
        const inbox = collect(channel)

        wire.send(BINARY, 'last')
        wire.socket.end()

        if (closing) {
          void channel.close()
        }

        expect(await channel.closed).to.include({ code: 1006, wasClean: false })
        expect(inbox.text).to.equal('last')
      }
    })

    it('has the error of a socket that was reset', async () => {
      const { channel, wire } = await wirePair(role)
      collect(channel)

      wire.socket.resetAndDestroy()

      const { code, wasClean, error } = await channel.closed
      expect({ code, wasClean }).to.deep.equal({ code: 1006, wasClean: false })
      expect(error).to.have.property('code', 'ECONNRESET')
    })

    for (const via of ['tcp', 'unix', 'tls'] as const) {
      it(`reads to the end what a peer said that closed, left, and made a write fail, over ${via}`, async () => {
        const { channel, wire } = await wirePair(role, { via })

        await leave(wire, [wire.frame(BINARY, 'last'), wire.frame(CLOSE, NORMAL)])
        channel.send(Buffer.from('for nobody'))
        await failed(channel)
        const inbox = collect(channel)

        expect(await channel.closed).to.deep.equal({ code: 1000, reason: '', wasClean: true, error: undefined })
        expect(inbox.text).to.equal('last')
      })

      it(`has the error of a write that failed, over ${via}, and reads what the peer said without closing`, async () => {
        const { channel, wire } = await wirePair(role, { via })

        await leave(wire, [wire.frame(BINARY, 'last')])
        channel.send(Buffer.from('for nobody'))
        await failed(channel)
        const inbox = collect(channel)

        const { code, wasClean, error } = await channel.closed
        expect({ code, wasClean }).to.deep.equal({ code: 1006, wasClean: false })
        expect(error).to.have.property('code').that.is.oneOf(['EPIPE', 'ECONNRESET'])
        expect(inbox.text).to.equal('last')
      })
    }

    it('is not clean when a write under way failed, though the peer had gone before the next began', async () => {
      const { channel, wire } = await wirePair(role, { via: 'unix' })
      await clog(channel, () => { wire.socket.pause() })

      void channel.close()
      await leave(wire, [wire.frame(CLOSE, NORMAL)])

      const { code, wasClean, error } = await channel.closed
      expect({ code, wasClean }).to.deep.equal({ code: 1000, wasClean: false })
      expect(error).to.have.property('code').that.is.oneOf(['EPIPE', 'ECONNRESET'])
    })

    it('does not wait longer than a close may take, if a write failed and nobody reads', async () => {
      const { channel, wire } = await wirePair(role, { closeTimeout: SHORT })

      await leave(wire, [wire.frame(BINARY, 'last'), wire.frame(CLOSE, NORMAL)])
      channel.send(Buffer.from('for nobody'))

      const { code, wasClean, error } = await channel.closed
      expect({ code, wasClean }).to.deep.equal({ code: 1006, wasClean: false })
      // that came first
      expect(error).to.have.property('code').that.is.oneOf(['EPIPE', 'ECONNRESET'])
    })

    it('drops what was not read if it is closed after a write failed', async () => {
      const { channel, wire } = await wirePair(role)

      await leave(wire, [wire.frame(BINARY, 'last'), wire.frame(CLOSE, NORMAL)])
      channel.send(Buffer.from('for nobody'))
      await failed(channel)

      await channel.close()
      expect(await channel.closed).to.include({ code: 1000, wasClean: true })
    })

    for (const via of ['tcp', 'unix', 'tls'] as const) {
      it(`tells its end once, after the last message, when all that may end it comes at the same time, over ${via}`, async () => {
        const { channel, wire } = await wirePair(role, { via, closeTimeout: 1 })
        const seen: string[] = []
        channel.onmessage = () => { seen.push('message') }
        channel.onclose = () => {
          seen.push('close')
          channel.abort(new Error('from within'))
          void channel.close()
        }
        await clog(channel, () => { wire.socket.pause() })

        await leave(wire, [wire.frame(BINARY, 'last'), wire.frame(CLOSE, NORMAL)])
        // the timeout is due, too
        await Promise.all([channel.close(), delay(2).then(() => { channel.abort() }), channel.closed])
        await delay(20)

        expect(seen.filter(what => what === 'close')).to.have.lengthOf(1)
        expect(seen.at(-1)).to.equal('close')
      })
    }

    it('resets the socket when it is aborted', async () => {
      const { channel, wire } = await wirePair(role)
      const error = once(wire.socket, 'error')

      channel.abort()

      expect((await error)[0]).to.have.property('code', 'ECONNRESET')
    })

    it('answers a Close frame without code with one', async () => {
      const { channel, wire } = await wirePair(role)
      collect(channel)

      wire.send(CLOSE)
      const frames = await wire.until(({ length }) => length > 0)
      wire.socket.end()

      expect(frames).to.containSubset([{ opcode: CLOSE, payload: Buffer.alloc(0) }])
      expect(await channel.closed).to.include({ code: 1005, reason: '', wasClean: true })
    })

    it('ignores what follows a Close frame, even if it is no frame', async () => {
      const { channel, wire } = await wirePair(role)
      const inbox = collect(channel)

      wire.socket.end(Buffer.concat([wire.frame(CLOSE, NORMAL), wire.frame(TEXT, 'x'), wire.frame(PING), Buffer.alloc(100, 0xff)]))

      expect(await channel.closed).to.deep.equal({ code: 1000, reason: '', wasClean: true, error: undefined })
      expect((await wire.end()).map(({ opcode }) => opcode)).to.deep.equal([CLOSE])
      expect(inbox.messages).to.deep.equal([])
    })

    it('drops a message that the peer did not end before it closed', async () => {
      const { channel, wire } = await wirePair(role)
      const inbox = collect(channel)

      wire.send(TEXT, 'half a ', { fin: false })
      wire.send(CLOSE, NORMAL)
      wire.socket.end()

      expect(await channel.closed).to.include({ code: 1000, wasClean: true })
      expect(inbox.messages).to.deep.equal([])
    })

    it('answers no ping behind its Close frame', async () => {
      const { channel, wire } = await wirePair(role)
      const inbox = collect(channel)

      void channel.close()
      await wire.until(({ length }) => length > 0)
      wire.send(PING, 'late')
      wire.send(TEXT, 'still delivered')
      wire.send(CLOSE, NORMAL)
      wire.socket.end()

      expect(await channel.closed).to.include({ code: 1000, wasClean: true })
      expect((await wire.end()).map(({ opcode }) => opcode)).to.deep.equal([CLOSE])
      expect(inbox.text).to.equal('still delivered')
    })

    it('forgets the pongs that wait for a busy socket when it closes', async () => {
      const { channel, wire } = await wirePair(role)
      const inbox = collect(channel)
      await clog(channel, () => { wire.socket.pause() })

      wire.socket.write(Buffer.concat(Array.from({ length: 100 }, () => wire.frame(PING, 'before the close'))))
      wire.send(TEXT, 'x')
      await inbox.until(({ size }) => size === 1)
      void channel.close()
      wire.socket.resume()
      await wire.until(frames => frames.some(({ opcode }) => opcode === CLOSE))
      wire.send(CLOSE, NORMAL)
      wire.socket.end()

      expect(await channel.closed).to.include({ code: 1000, wasClean: true })
      expect((await wire.end()).findIndex(({ opcode }) => opcode === CLOSE)).to.equal(wire.frames.length - 1)
    })

    it('sends what is queued though the receiver throws, once it closes', async () => {
      const { channel, wire } = await wirePair(role)
      let calls = 0
      channel.onmessage = () => {
        calls++
        throw new Error('nobody to answer')
      }
      await clog(channel, () => { wire.socket.pause() })

      void channel.close()
      wire.send(TEXT, 'one')
      wire.send(TEXT, 'two')
      wire.socket.resume()
      await wire.until(frames => frames.some(({ opcode }) => opcode === CLOSE))
      wire.send(CLOSE, NORMAL)
      wire.socket.end()

      expect(await channel.closed).to.include({ code: 1000, wasClean: true, error: undefined })
      expect(calls).to.equal(1)
    })

    it('does not ask for more once it closes', async () => {
      const { channel, wire } = await wirePair(role)
      await clog(channel, () => { wire.socket.pause() })
      let drains = 0
      channel.ondrain = () => { drains++ }

      void channel.close()
      wire.socket.resume()
      await wire.until(frames => frames.some(({ opcode }) => opcode === CLOSE))
      wire.send(CLOSE, NORMAL)
      wire.socket.end()
      await channel.closed

      expect(drains).to.equal(0)
    })

    it('waits for the peer as long as it takes, if told so', async () => {
      const { channel, wire } = await wirePair(role, { closeTimeout: Infinity })

      void channel.close()
      await delay(SHORT)
      expect(channel.status).to.equal('closing')
      wire.send(CLOSE, NORMAL)
      wire.socket.end()

      expect(await channel.closed).to.include({ code: 1000, wasClean: true })
    })

    it('delivers nothing of what it held when it is aborted, resumed or not', async () => {
      const { channel, wire } = await wirePair(role)
      let calls = 0
      channel.onmessage = () => {
        calls++
        channel.pause()
      }

      wire.socket.write(Buffer.concat([wire.frame(TEXT, 'a'), wire.frame(TEXT, 'b'), wire.frame(PING)]))
      await delay(20)
      channel.abort()
      await channel.closed
      channel.resume()
      await delay(20)

      expect(calls).to.equal(1)
      expect(channel.status).to.equal('closed')
      expect((await wire.end()).filter(({ opcode }) => opcode === PONG)).to.deep.equal([])
    })
  })
}

describe('channel: the end of TCP', () => {
  it('is brought about by the server, right behind the Close frames', async () => {
    const { channel, wire } = await wirePair('server')
    collect(channel)

    wire.send(CLOSE, NORMAL)

    await once(wire.socket, 'end')
    expect(await channel.closed).to.include({ code: 1000, wasClean: true })
  })

  it('is left to the server by a client, but not for ever', async () => {
    const { channel, wire } = await wirePair('client', { closeTimeout: SHORT })
    collect(channel)
    const start = performance.now()

    wire.send(CLOSE, NORMAL)

    expect(await channel.closed).to.deep.equal({ code: 1000, reason: '', wasClean: true, error: undefined })
    expect(performance.now() - start).to.be.within(SHORT - 2, LONG)
  })
})

/** It ended with an error that says what took too long, and where. */
function expectTimeout (channel: Channel, { error, ...close }: ChannelClose, stage: string, code = 1006): void {
  expect(close).to.deep.equal({ code, reason: '', wasClean: false })
  expect(error).to.have.property('name', 'TimeoutError')
  expect(error?.message).to.include(`Could not close ${formatAddress(channel.remote)}: ${stage}`).and.include(`for ${SHORT} ms`)
}

/** Be a peer that writes its last words, and ends its socket at once, before anything else is read. */
async function leave ({ socket }: Wire, words: Buffer[]): Promise<void> {
  const closed = once(socket, 'close')

  socket.write(Buffer.concat(words), () => {
    socket.remoteAddress == null || socket instanceof TLSSocket ? socket.destroy() : socket.resetAndDestroy()
  })
  await closed
}

/** A write of the channel has failed. */
async function failed (channel: Channel): Promise<void> {
  await until(() => channel.status !== 'open')
}

/** Send until the system takes no more, and a few MiB wait. */
async function clog (channel: Channel, stopReading: () => void): Promise<void> {
  stopReading()

  do {
    channel.send(new Uint8Array(MIB))
    await delay(1)
  } while (channel.bufferedAmount < 8 * MIB)
}
