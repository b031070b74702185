import { expect } from 'aegir/chai'
import { CASES } from './autobahn-cases.ts'
import { TEXT_CASES } from './autobahn-text.ts'
import { ROLES, wirePair } from './wire-pair.ts'
import type { AutobahnCase } from './autobahn-cases.ts'
import type { Wire } from './wire.ts'

const CLOSE = 8

describe('Autobahn cases', () => {
  for (const role of ROLES) {
    describe(`of a ${role}`, () => {
      for (const testCase of [...CASES, ...TEXT_CASES]) {
        it(testCase.id, async () => {
          const { channel, wire } = await wirePair(role)
          channel.onmessage = (data, text) => { channel.send(data, { text }) }

          const sent = send(wire, testCase)
          const frames = await wire.until(frames => frames.some(({ opcode }) => opcode === CLOSE))
          await sent
          wire.socket.end()
          await channel.closed
          await wire.end()

          expect(frames.map(({ opcode, payload }) => ({ opcode, payload: payload.toString('latin1') }))).to.deep.equal(
            testCase.receive.map(([opcode, payload]) => ({ opcode, payload: Buffer.from(payload).toString('latin1') }))
          )
          expect(frames.every(({ fin, rsv, masked }) => fin && rsv === 0 && masked === (role === 'client'))).to.equal(true)
        })
      }
    })
  }
})

/** All frames, in one write, or in writes that leave one by one. */
async function send (wire: Wire, { send, chop = Infinity }: AutobahnCase): Promise<void> {
  const bytes = Buffer.concat(send.map(([opcode, payload, options]) => wire.frame(opcode, payload, options)))

  for (let at = 0; at < bytes.length && wire.socket.writable; at += chop) {
    wire.socket.write(bytes.subarray(at, at + chop))
    await new Promise(setImmediate)
  }
}
