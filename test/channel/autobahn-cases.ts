/**
 * The cases of the Autobahn WebSocket test suite that apply to an endpoint without extensions, as data: what the far end
 * sends, and what it must get from a channel that echoes messages.
 *
 * 6.4 has the outcome that the suite calls non-strict: text is checked when its message ends, not as it comes in.
 *
 * Left out, with the reason:
 * - close codes 1012 to 1014 in 7.9: registered since the suite was written, and accepted;
 * - 9: speed and large messages, which `memory.node.ts` and the benchmarks look at;
 * - 12, 13: compression, which is not offered.
 */

/** Opcode, payload, and whether another fragment follows; the payload is text, or bytes. */
export type Sent = [opcode: number, payload?: string | Uint8Array, options?: { fin?: boolean, rsv?: number }]

export interface AutobahnCase {
  id: string
  send: Sent[]
  /** Opcodes and payloads of all that comes back, the Close frame last. */
  receive: Array<[opcode: number, payload: string | Uint8Array]>
  /** Bytes per write, when it is not all at once. */
  chop?: number
}

const CONT = 0
const TEXT = 1
const BIN = 2
const CLOSE = 8
const PING = 9
const PONG = 10

const MORE = { fin: false }
const HELLO: Sent = [TEXT, 'Hello, world!']
const P125 = Buffer.alloc(125, 0xfe)

function hex (text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}

function code (value: number, reason: string = ''): Buffer {
  return Buffer.concat([Uint8Array.of(value >> 8, value), Buffer.from(reason)])
}

/** The far end sends this, then closes; the answers come back, then the Close frame. */
function ok (id: string, send: Sent[], receive: AutobahnCase['receive'], chop?: number): AutobahnCase {
  return { id, send: [...send, [CLOSE, code(1000)]], receive: [...receive, [CLOSE, code(1000)]], chop }
}

/** The far end sends this, which breaks a rule: the answers to what was right come back, then a Close frame. */
function fails (id: string, closeCode: number, send: Sent[], receive: AutobahnCase['receive'] = [], chop?: number): AutobahnCase {
  return { id, send, receive: [...receive, [CLOSE, code(closeCode)]], chop }
}

function framing (section: string, opcode: number, filler: string | number): AutobahnCase[] {
  return [0, 125, 126, 127, 128, 65_535, 65_536, 65_536].map((size, i) => {
    const payload = Buffer.alloc(size, filler)

    return ok(`${section}.${i + 1}`, [[opcode, payload]], [[opcode, payload]], i === 7 ? 997 : undefined)
  })
}

const TEN_PINGS = Array.from({ length: 10 }, (_, i) => `payload-${i}`)

const pings: AutobahnCase[] = [
  ok('2.1', [[PING]], [[PONG, '']]),
  ok('2.2', [[PING, 'Hello, world!']], [[PONG, 'Hello, world!']]),
  ok('2.3', [[PING, hex('00ff fefd fcfb 00ff')]], [[PONG, hex('00ff fefd fcfb 00ff')]]),
  ok('2.4', [[PING, P125]], [[PONG, P125]]),
  fails('2.5', 1002, [[PING, Buffer.alloc(126, 0xfe)]]),
  ok('2.6', [[PING, P125]], [[PONG, P125]], 1),
  ok('2.7', [[PONG]], []),
  ok('2.8', [[PONG, 'unsolicited']], []),
  ok('2.9', [[PONG, 'unsolicited'], [PING, 'ping']], [[PONG, 'ping']]),
  ok('2.10', TEN_PINGS.map(payload => [PING, payload]), TEN_PINGS.map(payload => [PONG, payload])),
  ok('2.11', TEN_PINGS.map(payload => [PING, payload]), TEN_PINGS.map(payload => [PONG, payload]), 1)
]

const reservedBits: AutobahnCase[] = [
  fails('3.1', 1002, [[TEXT, 'Hello, world!', { rsv: 1 }]]),
  fails('3.2', 1002, [HELLO, [TEXT, 'Hello, world!', { rsv: 2 }], [PING]], [[TEXT, 'Hello, world!']]),
  fails('3.3', 1002, [HELLO, [TEXT, 'Hello, world!', { rsv: 3 }], [PING]], [[TEXT, 'Hello, world!']], 16),
  fails('3.4', 1002, [HELLO, [TEXT, 'Hello, world!', { rsv: 4 }], [PING]], [[TEXT, 'Hello, world!']], 1),
  fails('3.5', 1002, [[BIN, hex('00ff fefd fcfb 00ff'), { rsv: 5 }]]),
  fails('3.6', 1002, [[PING, 'Hello, world!', { rsv: 6 }]]),
  fails('3.7', 1002, [[CLOSE, code(1000), { rsv: 7 }]])
]

const reservedOpcodes = [3, 11].flatMap((first, i) => [
  fails(`4.${i + 1}.1`, 1002, [[first]]),
  fails(`4.${i + 1}.2`, 1002, [[first + 1, 'reserved opcode payload']]),
  fails(`4.${i + 1}.3`, 1002, [HELLO, [first + 2], [PING]], [[TEXT, 'Hello, world!']]),
  fails(`4.${i + 1}.4`, 1002, [HELLO, [first + 3, 'reserved opcode payload'], [PING]], [[TEXT, 'Hello, world!']]),
  fails(`4.${i + 1}.5`, 1002, [HELLO, [first + 4, 'reserved opcode payload'], [PING]], [[TEXT, 'Hello, world!']], 1)
])

const TWO: Sent[] = [[TEXT, 'fragment1', MORE], [CONT, 'fragment2']]
const PINGED: Sent[] = [[TEXT, 'fragment1', MORE], [PING, 'ping'], [CONT, 'fragment2']]
const FIVE: Sent[] = [
  [TEXT, 'fragment1', MORE], [CONT, 'fragment2', MORE], [PING, 'pongme 1!'],
  [CONT, 'fragment3', MORE], [CONT, 'fragment4', MORE], [PING, 'pongme 2!'], [CONT, 'fragment5']
]
const FIVE_ECHO: AutobahnCase['receive'] = [[PONG, 'pongme 1!'], [PONG, 'pongme 2!'], [TEXT, 'fragment1fragment2fragment3fragment4fragment5']]

const fragmentation: AutobahnCase[] = [
  fails('5.1', 1002, [[PING, 'fragment1', MORE], [CONT, 'fragment2']]),
  fails('5.2', 1002, [[PONG, 'fragment1', MORE], [CONT, 'fragment2']]),
  ...[undefined, 16, 1].map((chop, i) => ok(`5.${i + 3}`, TWO, [[TEXT, 'fragment1fragment2']], chop)),
  ...[undefined, 16, 1].map((chop, i) => ok(`5.${i + 6}`, PINGED, [[PONG, 'ping'], [TEXT, 'fragment1fragment2']], chop)),
  ...[undefined, 16, 1].map((chop, i) => fails(`5.${i + 9}`, 1002, [[CONT, 'non-continuation payload'], HELLO], [], chop)),
  ...[undefined, 16, 1].map((chop, i) => fails(`5.${i + 12}`, 1002, [[CONT, 'non-continuation payload', MORE], HELLO], [], chop)),
  fails('5.15', 1002, [...TWO, [CONT, 'fragment3', MORE], [TEXT, 'fragment4']], [[TEXT, 'fragment1fragment2']]),
  fails('5.16', 1002, [[CONT, 'fragment1', MORE], [TEXT, 'fragment2', MORE], [CONT, 'fragment3']]),
  fails('5.17', 1002, [[CONT, 'fragment1'], [TEXT, 'fragment2', MORE], [CONT, 'fragment3']]),
  fails('5.18', 1002, [[TEXT, 'fragment1', MORE], [TEXT, 'fragment2']]),
  ok('5.19', FIVE, FIVE_ECHO, 20),
  ok('5.20', FIVE, FIVE_ECHO)
]

const BIG = Buffer.alloc(262_144, '*')

const closing: AutobahnCase[] = [
  ok('7.1.1', [HELLO], [[TEXT, 'Hello, world!']]),
  ok('7.1.2', [[CLOSE, code(1000)]], []),
  { id: '7.1.3', send: [[CLOSE, code(1000)], [PING]], receive: [[CLOSE, code(1000)]] },
  { id: '7.1.4', send: [[CLOSE, code(1000)], HELLO], receive: [[CLOSE, code(1000)]] },
  { id: '7.1.5', send: [[TEXT, 'fragment1', MORE], [CLOSE, code(1000)], [CONT, 'fragment2']], receive: [[CLOSE, code(1000)]] },
  { id: '7.1.6', send: [[TEXT, BIG], [CLOSE, code(1000)], [PING]], receive: [[TEXT, BIG], [CLOSE, code(1000)]] },
  { id: '7.3.1', send: [[CLOSE]], receive: [[CLOSE, '']] },
  fails('7.3.2', 1002, [[CLOSE, 'a']]),
  ...['', 'Hello World!', '*'.repeat(123)].map((reason, i) => ({ id: `7.3.${i + 3}`, send: [[CLOSE, code(1000, reason)] as Sent], receive: [[CLOSE, code(1000)]] as AutobahnCase['receive'] })),
  fails('7.3.6', 1002, [[CLOSE, code(1000, '*'.repeat(124))]]),
  fails('7.5.1', 1007, [[CLOSE, Buffer.concat([code(1000), hex('cebae1bdb9cf83cebcceb5eda080656469746564')])]]),
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999].map((value, i) => ({ id: `7.7.${i + 1}`, send: [[CLOSE, code(value)] as Sent], receive: [[CLOSE, code(value)]] as AutobahnCase['receive'] })),
  ...[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999].map((value, i) => fails(`7.9.${i + 1}`, 1002, [[CLOSE, code(value)]])),
  ...[5000, 65_535].map((value, i) => fails(`7.13.${i + 1}`, 1002, [[CLOSE, code(value)]]))
]

const FRAGMENTED = Array.from({ length: Math.ceil(65_536 / 1_300) }, (_, i) => BIG.subarray(i * 1_300, Math.min((i + 1) * 1_300, 65_536)))
const autoFragmentation = ok('10.1.1', FRAGMENTED.map((part, i) => [i === 0 ? TEXT : CONT, part, { fin: i === FRAGMENTED.length - 1 }]), [[TEXT, BIG.subarray(0, 65_536)]])

/** Without section 6, which is in a file of its own. */
export const CASES: AutobahnCase[] = [
  ...framing('1.1', TEXT, '*'),
  ...framing('1.2', BIN, 0xfe),
  ...pings,
  ...reservedBits,
  ...reservedOpcodes,
  ...fragmentation,
  ...closing,
  autoFragmentation
]

/** A text message, in these fragments, that is or is not UTF-8 as a whole. */
export function text (id: string, valid: boolean, fragments: Uint8Array[]): AutobahnCase {
  const send = fragments.map((part, i): Sent => [i === 0 ? TEXT : CONT, part, { fin: i === fragments.length - 1 }])

  return valid ? ok(id, send, [[TEXT, Buffer.concat(fragments)]]) : fails(id, 1007, send)
}
