/** Section 6 of the Autobahn cases: what is UTF-8, after the well-known stress test of Markus Kuhn. */
import { text } from './autobahn-cases.ts'
import type { AutobahnCase } from './autobahn-cases.ts'

const KOSME = 'cebae1bdb9cf83cebcceb5'
const SURROGATE = 'eda080'
const EDITED = '656469746564'
const LATIN = Buffer.from('Hello-µ@ßöäüàá-UTF-8!!').toString('hex')
const BEYOND = 'f4908080'

/** Bytes that start sequences, each with a space behind it. */
function lonely (from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, i) => `${(from + i).toString(16)}20`).join('')
}

/** The last two code points of each plane are no characters, and still UTF-8. */
const NON_CHARACTERS = Array.from({ length: 17 }, (_, plane) => [0xfffe, 0xffff].map(last => Buffer.from(String.fromCodePoint(plane * 0x10000 + last)).toString('hex'))).flat()

const CUT = ['c0', 'e080', 'f08080', 'f8808080', 'fc80808080', 'df', 'efbf', 'f7bfbf', 'fbbfbfbf', 'fdbfbfbfbf']

/** Each a message in one frame: the section, whether they are UTF-8, and what they are. */
const WHOLE: Array<[section: string, valid: boolean, messages: string[]]> = [
  ['6.5', true, ['68656c6c6f24776f726c64', '68656c6c6fc2a2776f726c64', '68656c6c6fe282ac776f726c64', '68656c6c6ff0a4ada2776f726c64', KOSME]],
  ['6.7', true, ['00', 'c280', 'e0a080', 'f0908080']],
  ['6.8', false, ['f888808080', 'fc8480808080']],
  ['6.9', true, ['7f', 'dfbf', 'efbfbf', 'f48fbfbf']],
  ['6.10', false, ['f7bfbfbf', 'fbbfbfbfbf', 'fdbfbfbfbfbf']],
  ['6.11', true, ['ed9fbf', 'ee8080', 'efbfbd', 'f48fbfbf']],
  ['6.11 beyond', false, [BEYOND]],
  ['6.12', false, ['80', 'bf', '80bf', '80bf80', '80bf80bf', '80bf80bf80', '80bf80bf80bf', Array.from({ length: 63 }, (_, i) => (0x80 + i).toString(16)).join('')]],
  ['6.13', false, [lonely(0xc0, 0xdf), lonely(0xe0, 0xef), lonely(0xf0, 0xf7), lonely(0xf8, 0xfb), lonely(0xfc, 0xfd)]],
  ['6.14', false, CUT],
  ['6.15', false, [CUT.join('')]],
  ['6.16', false, ['fe', 'ff', 'fefeffff']],
  ['6.17', false, ['c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af']],
  ['6.18', false, ['c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'fc83bfbfbfbf']],
  ['6.19', false, ['c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080']],
  ['6.20', false, ['eda080', 'edadbf', 'edae80', 'edafbf', 'edb080', 'edbe80', 'edbfbf']],
  ['6.21', false, ['eda080edb080', 'eda080edbfbf', 'edadbfedb080', 'edadbfedbfbf', 'edae80edb080', 'edae80edbfbf', 'edafbfedb080', 'edafbfedbfbf']],
  ['6.22', true, NON_CHARACTERS],
  ['6.23', true, ['efbfb9', 'efbfba', 'efbfbb', 'efbfbc', 'efbfbd', 'efbfbe', 'efbfbf']]
]

/** What is a whole number of characters. */
const WHOLE_PREFIXES = [2, 5, 7, 9, 11]

function bytes (hex: string): Buffer {
  return Buffer.from(hex, 'hex')
}

function octets (hex: string): Buffer[] {
  return Array.from(bytes(hex), byte => Buffer.of(byte))
}

export const TEXT_CASES: AutobahnCase[] = [
  text('6.1.1', true, [bytes('')]),
  text('6.1.2', true, [bytes(''), bytes(''), bytes('')]),
  text('6.1.3', true, [bytes(''), Buffer.from('middle frame payload'), bytes('')]),
  text('6.2.1', true, [bytes(LATIN)]),
  text('6.2.2', true, [bytes(LATIN.slice(0, 22)), bytes(LATIN.slice(22))]),
  text('6.2.3', true, octets(LATIN)),
  text('6.2.4', true, octets(KOSME)),
  text('6.3.1', false, [bytes(KOSME + SURROGATE + EDITED)]),
  text('6.3.2', false, octets(KOSME + SURROGATE + EDITED)),
  text('6.4.1', false, [bytes(KOSME), bytes(BEYOND), bytes(EDITED)]),
  text('6.4.2', false, [bytes(KOSME + 'f4'), bytes('90'), bytes('8080' + EDITED)]),
  text('6.4.3', false, [bytes(KOSME + BEYOND + EDITED)]),
  text('6.4.4', false, [bytes(KOSME + 'f490'), bytes('8080' + EDITED)]),
  ...Array.from({ length: 11 }, (_, i) => text(`6.6.${i + 1}`, WHOLE_PREFIXES.includes(i + 1), [bytes(KOSME).subarray(0, i + 1)])),
  ...WHOLE.flatMap(([section, valid, messages]) => messages.map((message, i) => text(`${section}.${i + 1}`, valid, [bytes(message)])))
]
