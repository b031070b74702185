/**
 * Our channel against `ws`: the same bytes, cut the same way, must come to the same messages, pongs and Close frame.
 *
 * Deliberate differences, which the generators stay clear of or the comparison leaves out:
 * - `ws` answers a Close frame with its reason too, we with its code alone;
 * - `ws` checks a header when two bytes of it are there, we when it is whole;
 * - `ws` answers the first 60 pings of a burst, we the first 16 and the latest;
 * - `ws` closes with 1008 for more than 16 384 fragments, we do not count them.
 */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { WebSocket, WebSocketServer } from 'ws'
import { dial } from '../../src/channel/index.ts'
import { listen } from '../../src/server/index.ts'
import { ROLES, clientWire, portOf, serverWire } from './wire-pair.ts'
import { frame } from './wire.ts'
import type { Role } from './wire-pair.ts'
import type { Wire } from './wire.ts'
import type { Channel } from '../../src/channel/index.ts'
import type { AddressInfo } from 'node:net'

const MAX_MESSAGE = 1_000

/** That each end answers one by one. */
const MAX_PINGS = 16

const CLOSE = 8
const PING = 9
const PONG = 10

/** Behind everything, so that the last header is whole. */
const HEADER = Buffer.alloc(14)

interface Outcome {
  messages: string[]
  pongs: string[]
  close: string
}

/** Open a WebSocket of either implementation, which puts what it receives in `messages`. */
type Endpoint = (messages: string[]) => Promise<Wire>

async function endpoints (role: Role): Promise<{ ours: Endpoint, theirs: Endpoint, end (): Promise<void> }> {
  return role === 'server' ? servers() : clients()
}

async function servers (): Promise<{ ours: Endpoint, theirs: Endpoint, end (): Promise<void> }> {
  let messages: string[] = []
  const our = await listen('/ip4/127.0.0.1/tcp/0/ws', { maxMessage: MAX_MESSAGE }, channel => { take(channel, messages) })
  const their = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: MAX_MESSAGE })
  their.on('connection', socket => { takeTheirs(socket, messages) })
  await once(their, 'listening')

  const to = (port: number): Endpoint => async into => {
    messages = into

    return clientWire(connect(port, '127.0.0.1'))
  }

  return {
    ours: to(portOf(our)),
    theirs: to((their.address() as AddressInfo).port),
    async end () {
      their.close()
      await our.close()
    }
  }
}

async function clients (): Promise<{ ours: Endpoint, theirs: Endpoint, end (): Promise<void> }> {
  const at = { port: 0, host: '127.0.0.1' }

  return {
    async ours (messages) {
      const { port, wire } = await serverWire(createServer(), at)
      take(await dial(`ws://127.0.0.1:${port}`, { maxMessage: MAX_MESSAGE }), messages)

      return wire
    },
    async theirs (messages) {
      const { port, wire } = await serverWire(createServer(), at)
      takeTheirs(new WebSocket(`ws://127.0.0.1:${port}`, { maxPayload: MAX_MESSAGE, perMessageDeflate: false }), messages)

      return wire
    },
    async end () {}
  }
}

function take (channel: Channel, messages: string[]): void {
  channel.onmessage = (data, text) => { messages.push(describeMessage(data, text)) }
}

function takeTheirs (socket: WebSocket, messages: string[]): void {
  socket.on('message', (data, binary) => { messages.push(describeMessage(data as Buffer, !binary)) })
  socket.on('error', () => {})
}

function describeMessage (data: Uint8Array, text: boolean): string {
  return `${text ? 'text' : 'binary'} ${Buffer.from(data).toString('hex')}`
}

async function outcome (endpoint: Endpoint, bytes: Buffer, cuts: number[]): Promise<Outcome> {
  const messages: string[] = []
  const wire = await endpoint(messages)
  wire.socket.on('error', () => {})

  for (const [from, to] of pieces(cuts, bytes.length)) {
    wire.socket.write(bytes.subarray(from, to))
    await new Promise(setImmediate)
  }

  wire.socket.end()
  const frames = await wire.end()
  const close = frames.find(({ opcode }) => opcode === CLOSE)

  return {
    messages,
    pongs: frames.filter(({ opcode }) => opcode === PONG).map(({ payload }) => payload.toString('hex')),
    close: close == null ? 'none' : close.payload.subarray(0, 2).toString('hex')
  }
}

function pieces (cuts: number[], length: number): Array<[number, number]> {
  const at = [...new Set([0, ...cuts.map(cut => cut % (length + 1)), length])].sort((a, b) => a - b)

  return at.slice(1).map((to, i) => [at[i], to])
}

interface FrameSpec {
  opcode: number
  payload: Uint8Array
  fin: boolean
  rsv: number
  wrongMask: boolean
}

const bytes = fc.oneof(
  { weight: 9, arbitrary: fc.uint8Array({ maxLength: 140 }) },
  { weight: 1, arbitrary: fc.integer({ min: MAX_MESSAGE - 300, max: MAX_MESSAGE + 100 }).map(size => new Uint8Array(size).fill(0x61)) }
)
const utf8 = fc.string({ unit: 'binary', maxLength: 40 }).map(text => Uint8Array.from(Buffer.from(text)))
const payload = fc.oneof({ weight: 9, arbitrary: utf8 }, { weight: 1, arbitrary: bytes })

const control = fc.record({ opcode: fc.constantFrom(9, 10), payload: fc.uint8Array({ maxLength: 125 }) })

/** A message as it should be: fragments, with control frames between them. */
const message = fc.record({
  data: fc.oneof(payload.map(payload => ({ opcode: 1, payload })), bytes.map(payload => ({ opcode: 2, payload }))),
  cuts: fc.array(fc.nat(1_100), { maxLength: 3 }),
  between: fc.array(control, { maxLength: 2 })
}).map(({ data: { opcode, payload }, cuts, between }) => pieces(cuts, payload.length).flatMap(([from, to], i, { length }) => [
  spec({ opcode: i === 0 ? opcode : 0, payload: payload.subarray(from, to), fin: i === length - 1 }),
  ...(i === length - 1 ? [] : between.map(spec))
]))

const closeFrame = fc.oneof(
  fc.constant(new Uint8Array(0)),
  fc.record({ code: fc.oneof(fc.integer({ min: 990, max: 1_020 }), fc.nat(65_535)), reason: fc.oneof(fc.constant(new Uint8Array(0)), payload) })
    .map(({ code, reason }) => Uint8Array.of(code >> 8, code, ...reason).subarray(0, 125)),
  fc.uint8Array({ maxLength: 3 })
).map(payload => [spec({ opcode: 8, payload })])

/** Anything that can be written as a frame. */
const anyFrame = fc.record({ opcode: fc.nat(15), payload, fin: fc.boolean(), rsv: fc.nat(7), wrongMask: fc.boolean() }).map(frame => [frame])

const script = fc.array(fc.oneof(
  { weight: 12, arbitrary: message },
  { weight: 4, arbitrary: control.map(frame => [spec(frame)]) },
  { weight: 1, arbitrary: closeFrame },
  { weight: 1, arbitrary: anyFrame },
  { weight: 1, arbitrary: fc.nat(7).chain(opcode => payload.map(payload => [spec({ opcode, payload })])) }
), { maxLength: 8 }).map(frames => [...frames.flat(), spec({ opcode: 8, payload: Uint8Array.of(3, 232) })])

/** Bytes of no meaning, between those of a script. */
const garbage = fc.oneof({ weight: 3, arbitrary: fc.constant(new Uint8Array(0)) }, { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 30 }) })

const cuts = fc.array(fc.nat(4_000), { maxLength: 8 })

function spec (frame: Partial<FrameSpec> & Pick<FrameSpec, 'opcode' | 'payload'>): FrameSpec {
  return { fin: true, rsv: 0, wrongMask: false, ...frame }
}

function encode (frames: FrameSpec[], masked: boolean): Buffer {
  return Buffer.concat(frames.map(({ opcode, payload, fin, rsv, wrongMask }) => frame(opcode, payload, { fin, rsv, masked: masked !== wrongMask })))
}

describe('channel against ws', function () {
  this.timeout(30_000)

  for (const role of ROLES) {
    it(`comes to the same messages, pongs and Close frame as a ${role}`, async () => {
      const { ours, theirs, end } = await endpoints(role)

      try {
        await fc.assert(fc.asyncProperty(script, garbage, script, cuts, async (before, garbage, after, cuts) => {
          fc.pre([...before, ...after].filter(({ opcode }) => opcode === PING).length <= MAX_PINGS)
          const bytes = Buffer.concat([encode(before.slice(0, -1), role === 'server'), garbage, encode(after, role === 'server'), HEADER])

          expect(await outcome(ours, bytes, cuts)).to.deep.equal(await outcome(theirs, bytes, cuts))
        }), { numRuns: 200 })
      } finally {
        await end()
      }
    })
  }
})
