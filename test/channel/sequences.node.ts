/** Whatever a channel is asked to do, in whatever order, the peer gets the bytes that a queue would have given it. */
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { Uint8ArrayList } from 'uint8arraylist'
import { dial } from '../../src/channel/index.ts'
import { listen } from '../../src/server/index.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { pattern } from '../fixtures/streams.ts'
import { collect } from '../suites/peer.ts'
import type { Channel, ChannelMode, ChannelOptions } from '../../src/channel/index.ts'

type Step =
  { kind: 'send', size: number, parts: number } |
  { kind: 'pause' | 'resume' | 'turn' }

const send = fc.record({
  kind: fc.constant('send' as const),
  size: fc.oneof(fc.nat(300), fc.nat(70_000), fc.nat(400_000)),
  parts: fc.integer({ min: 1, max: 4 })
})
const flow = fc.record({ kind: fc.constantFrom('pause' as const, 'resume' as const, 'turn' as const) })
const steps = fc.array(fc.oneof({ weight: 6, arbitrary: send }, { weight: 4, arbitrary: flow }), { maxLength: 30 })

const END = fc.constantFrom('close', 'close by the peer', 'abort')

for (const [name, options] of Object.entries<ChannelOptions>({
  'byte mode': { mode: 'bytes' },
  'message mode': { mode: 'messages' },
  'byte mode, low water marks': { mode: 'bytes', highWaterMark: 1_000, lowWaterMark: 0 }
})) {
  describe(`channel, any sequence, ${name}`, () => {
    for (const role of ['client', 'server'] as const) {
      it(`delivers what was sent, in order, as ${role}`, async () => {
        const open = await opener(role, options)

        await fc.assert(fc.asyncProperty(steps, END, async (steps, end) => {
          const { sender, receiver } = await open()
          const inbox = collect(receiver)
          // or else it would not read the peer's Close frame
          collect(sender)
          const sent: Uint8Array[] = []

          for (const step of steps) {
            await take(step, sender, receiver, sent)
          }

          const expected = Buffer.concat(sent)

          if (end === 'abort') {
            sender.abort()
            receiver.resume()
            await receiver.closed

            // a prefix: what had left before
            expect(Buffer.compare(Buffer.from(inbox.bytes), expected.subarray(0, inbox.size))).to.equal(0)
          } else {
            receiver.resume()

            if (end === 'close by the peer') {
              await inbox.until(({ size }) => size === expected.length)
            }

            const closing = end === 'close' ? sender : receiver
            await Promise.all([closing.close(), sender.closed, receiver.closed])
            expect(Buffer.compare(Buffer.from(inbox.bytes), expected)).to.equal(0)
          }

          expectMessages(options.mode, inbox.messages, sent)
        }), { numRuns: 60 })
      })
    }
  })
}

async function take (step: Step, sender: Channel, receiver: Channel, sent: Uint8Array[]): Promise<void> {
  if (step.kind === 'send') {
    const data = pattern(step.size).map(byte => byte + sent.length)
    sent.push(data)
    sender.send(step.parts === 1 ? data : list(data, step.parts))
  } else if (step.kind === 'turn') {
    await new Promise(setImmediate)
  } else {
    receiver[step.kind]()
  }
}

/** Message mode keeps every boundary of what arrived. */
function expectMessages (mode: ChannelMode | undefined, messages: Array<{ data: Uint8Array }>, sent: Uint8Array[]): void {
  if (mode === 'messages') {
    expect(messages.map(({ data }) => data.length)).to.deep.equal(sent.slice(0, messages.length).map(({ length }) => length))
  }
}

function list (data: Uint8Array, parts: number): Uint8ArrayList {
  const size = Math.ceil(data.length / parts)

  return new Uint8ArrayList(...Array.from({ length: parts }, (_, i) => data.subarray(i * size, (i + 1) * size)))
}

/** Opens connections to one server; the sender is the end under test. */
async function opener (role: 'client' | 'server', options: ChannelOptions): Promise<() => Promise<{ sender: Channel, receiver: Channel }>> {
  const waiting: Array<(channel: Channel) => void> = []
  const server = await listen('/ip4/127.0.0.1/tcp/0/ws', options, channel => { waiting.shift()?.(channel) })
  cleanUp(async () => server.close())

  return async () => {
    const accepted = new Promise<Channel>(resolve => { waiting.push(resolve) })
    const ends = [await dial(server.addresses[0], options), await accepted]
    const [sender, receiver] = role === 'client' ? ends : ends.reverse()

    return { sender, receiver }
  }
}
