import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'aegir/chai'
import { cleanUp } from '../fixtures/clean-up.ts'
import { pattern } from '../fixtures/streams.ts'
import { until } from '../fixtures/until.ts'
import { collect } from '../suites/peer.ts'
import { ROLES, wirePair } from './wire-pair.ts'

const BINARY = 2
const PING = 9
const PONG = 10

/** ms. */
const INTERVAL = 40
const TIMEOUT = 80

for (const role of ROLES) {
  describe(`channel as ${role}: pings and pongs`, () => {
    it('answers a ping with its payload', async () => {
      const { channel, wire } = await wirePair(role)
      collect(channel)

      wire.send(PING, '')
      wire.send(PING, pattern(125))

      const frames = await wire.until(({ length }) => length === 2)
      expect(frames).to.containSubset([{ opcode: PONG, payload: Buffer.alloc(0) }, { opcode: PONG, payload: Buffer.from(pattern(125)) }])
    })

    it('ignores a pong that nobody asked for', async () => {
      const { channel, wire } = await wirePair(role)
      const inbox = collect(channel)

      wire.send(PONG, 'for nothing')
      wire.send(BINARY, 'x')

      await inbox.until(({ size }) => size === 1)
      expect(wire.frames).to.deep.equal([])
    })

    it('holds no memory for a peer that pings and does not read', async () => {
      const { channel, wire } = await wirePair(role)
      const inbox = collect(channel)
      const pings = Buffer.concat(Array.from({ length: 500 }, () => wire.frame(PING, pattern(125))))
      let held = 0
      wire.socket.pause()

      for (let i = 0; i < 400; i++) {
        wire.socket.write(pings)

        if (wire.socket.writableNeedDrain) {
          await new Promise(resolve => wire.socket.once('drain', resolve))
        }

        held = Math.max(held, channel.bufferedAmount)
      }

      wire.send(PING, 'the latest')
      wire.send(BINARY, 'x')
      await inbox.until(({ size }) => size === 1)
      expect(held).to.be.below(400_000)

      wire.socket.resume()
      await wire.until(frames => frames.at(-1)?.payload.toString() === 'the latest')
    })

    it('pings a silent peer, and lives as long as it answers', async () => {
      const { channel, wire } = await wirePair(role, { keepAlive: INTERVAL, keepAliveTimeout: TIMEOUT })
      collect(channel)
      wire.socket.on('data', () => { wire.send(PONG) })

      const frames = await wire.until(({ length }) => length === 4)

      expect(frames.map(({ opcode }) => opcode)).to.deep.equal([PING, PING, PING, PING])
      expect(channel.status).to.equal('open')
    })

    it('pings again after each interval, however long an answer may take', async () => {
      const { channel, wire } = await wirePair(role, { keepAlive: INTERVAL, keepAliveTimeout: 60_000 })
      collect(channel)
      wire.socket.on('data', () => { wire.send(PONG) })

      await wire.until(({ length }) => length === 4)
    })

    for (const keepAliveTimeout of [Infinity, 2 ** 31]) {
      it(`pings a silent peer once, and waits, with a timeout of ${keepAliveTimeout}`, async () => {
        const { channel, wire } = await wirePair(role, { keepAlive: INTERVAL, keepAliveTimeout })
        collect(channel)

        await wire.until(({ length }) => length === 1)
        await delay(INTERVAL)

        expect(wire.frames).to.have.lengthOf(1)
        expect(channel.status).to.equal('open')
      })
    }

    it('never pings, and stays open, with an interval of Infinity', async () => {
      const { channel, wire } = await wirePair(role, { keepAlive: Infinity, keepAliveTimeout: Infinity })
      collect(channel)

      await delay(INTERVAL)

      expect(wire.frames).to.deep.equal([])
      expect(channel.status).to.equal('open')
    })

    it('counts silence from the last that came in', async () => {
      const { channel, wire } = await wirePair(role, { keepAlive: 10 * INTERVAL })
      collect(channel)

      await delay(2 * INTERVAL)
      wire.send(BINARY, 'x')
      const start = performance.now()
      await wire.until(({ length }) => length === 1)

      expect(performance.now() - start).to.be.within(10 * INTERVAL - 4, 15 * INTERVAL)
    })

    it('does not ping a peer that sends', async () => {
      const { channel, wire } = await wirePair(role, { keepAlive: 8 * INTERVAL, keepAliveTimeout: TIMEOUT })
      collect(channel)
      const sending = setInterval(() => { wire.send(BINARY, 'x') }, INTERVAL / 4)
      cleanUp(() => { clearInterval(sending) })

      await delay(12 * INTERVAL)

      expect(wire.frames).to.deep.equal([])
    })

    it('is aborted with a TimeoutError when the peer is dead', async () => {
      const { channel } = await wirePair(role, { keepAlive: INTERVAL, keepAliveTimeout: TIMEOUT })
      const start = performance.now()
      collect(channel)

      const { code, wasClean, error } = await channel.closed

      expect(performance.now() - start).to.be.at.least(INTERVAL + TIMEOUT - 4)
      expect({ code, wasClean }).to.deep.equal({ code: 1006, wasClean: false })
      expect(error).to.have.property('name', 'TimeoutError')
    })

    it('never pings with an interval of 0', async () => {
      const { channel, wire } = await wirePair(role, { keepAlive: 0, keepAliveTimeout: 1 })
      collect(channel)

      await delay(INTERVAL)

      expect(wire.frames).to.deep.equal([])
      expect(channel.status).to.equal('open')
    })

    it('takes silence for no sign of death while it is paused, or nobody listens', async () => {
      for (const listens of [true, false]) {
        const { channel } = await wirePair(role, { keepAlive: INTERVAL / 2, keepAliveTimeout: INTERVAL / 2 })

        if (listens) {
          collect(channel)
        }

        channel.pause()
        await delay(3 * INTERVAL)

        expect(channel.status).to.equal('open')
      }
    })

    it('shows the peer that it lives while it is paused', async () => {
      const { channel, wire } = await wirePair(role, { keepAlive: INTERVAL, keepAliveTimeout: TIMEOUT })
      collect(channel)
      channel.pause()

      const frames = await wire.until(({ length }) => length === 3)

      expect(frames.map(({ opcode, payload }) => `${opcode} ${payload}`)).to.deep.equal(new Array(3).fill(`${PONG} `))
      expect(channel.status).to.equal('open')
    })

    it('reads the answer that came during a pause, or while the process was busy, before it gives up', async () => {
      for (const pauses of [true, false]) {
        const { channel, wire } = await wirePair(role, { keepAlive: INTERVAL, keepAliveTimeout: TIMEOUT })
        const inbox = collect(channel)
        await wire.until(({ length }) => length === 1)

        if (pauses) {
          channel.pause()
        }

        wire.send(PONG)
        wire.send(BINARY, 'alive')
        block(2 * TIMEOUT)
        channel.resume()

        await Promise.race([channel.closed, inbox.until(({ size }) => size > 0)])
        expect(channel.status).to.equal('open')
      }
    })

    it('shows nothing more once that failed', async () => {
      const { channel, wire } = await wirePair(role, { keepAlive: INTERVAL / 2, via: 'unix' })
      collect(channel)
      channel.pause()
      // what is not read hides the end
      wire.socket.write(wire.frame(BINARY, 'x'), () => { wire.socket.destroy() })

      await until(() => channel.status === 'closing')
      await delay(INTERVAL)

      expect(channel.bufferedAmount).to.equal(0)
    })

    it('does not ping once it closes', async () => {
      const { channel, wire } = await wirePair(role, { keepAlive: INTERVAL, keepAliveTimeout: TIMEOUT, closeTimeout: 3 * TIMEOUT })
      collect(channel)

      await channel.close()

      expect((await wire.end()).filter(({ opcode }) => opcode === PING)).to.deep.equal([])
    })
  })
}

/** Keep the event loop from turning. */
function block (ms: number): void {
  const end = performance.now() + ms

  while (performance.now() < end) {
    // wait
  }
}
