/** A peer that reads slowly gets all that was sent before a close, though that takes several close timeouts. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'aegir/chai'
import { cleanUp } from '../fixtures/clean-up.ts'
import { wirePair } from './wire-pair.ts'
import type { Role } from './wire-pair.ts'
import type { Socket } from 'node:net'

const BINARY = 2
const CLOSE = 8

const CLOSE_TIMEOUT = 400
const MIB = 1_048_576

/** All is read in so many steps, one each 20 ms: in less than a timeout not half of it. */
const STEPS = 50

describe('channel: closing towards a peer that reads slowly', () => {
  // not TCP, whose window opens in steps of megabytes, so that a slow reader seems to stand still
  const cases: Array<[role: Role, via: 'unix' | 'tls', size: number]> = [
    ['server', 'unix', 64_000],
    ['client', 'unix', 12 * MIB],
    ['server', 'tls', 12 * MIB]
  ]

  for (const [role, via, size] of cases) {
    it(`sends all that was sent before, as ${role} via ${via}, in messages of ${size} bytes`, async () => {
      const { channel, wire } = await wirePair(role, { closeTimeout: CLOSE_TIMEOUT, via })
      wire.socket.pause()

      do {
        channel.send(new Uint8Array(size))
        await delay(1)
      } while (channel.bufferedAmount < 8 * MIB)

      const start = performance.now()
      readSlowly(wire.socket, channel.bytesOut / STEPS)

      await channel.close()

      expect(performance.now() - start).to.be.above(2 * CLOSE_TIMEOUT)
      const frames = await wire.end()
      expect(frames.at(-1)?.opcode).to.equal(CLOSE)
      expect(frames.reduce((sum, { opcode, payload }) => sum + (opcode === BINARY ? payload.length : 0), 0)).to.equal(channel.bytesOut)
    })
  }
})

function readSlowly (socket: Socket, step: number): void {
  let read = 0
  let until = 0
  const reading = setInterval(() => {
    until = read + step
    socket.resume()
  }, 20)

  cleanUp(() => { clearInterval(reading) })
  socket.on('data', (data) => {
    read += data.length

    if (read > until) {
      socket.pause()
    }
  })
}
