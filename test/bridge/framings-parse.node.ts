/** Framings as text. */
import { expect } from 'aegir/chai'
import { parse } from '../../src/bridge/framings/index.ts'
import { FRAMING_EXAMPLES } from '../../src/bridge/framings/parse.ts'
import { unescapeBytes } from '../../src/bridge/framings/unescape.ts'
import { frame } from './framing-fixtures.ts'

/** What is written, what is read, and what comes of it. */
const TAKEN: Array<[string, string[], string[]]> = [
  ['auto', ['a', '\xff'], ['text a', 'binary \xff']],
  ['BINARY', ['a'], ['binary a']],
  ['text', ['a'], ['text a']],
  ['newline:lf', ['a\nb'], ['text a\n', 'text b']],
  ['newline:CRLF', ['a\r\nb'], ['text a\r\n', 'text b']],
  ['separator:\\r\\n', ['a\r\nb'], ['binary a\r\n', 'binary b']],
  ['separator::', ['a:b'], ['binary a:', 'binary b']],
  ['separator:, ', ['a, b'], ['binary a, ', 'binary b']],
  ['separator:\\x1F', ['a\x1fb\x0fc'], ['binary a\x1f', 'binary b\x0fc']],
  ['fixedLength:2', ['abc'], ['binary ab', 'binary c']],
  ['fixedlength:0', ['abc'], ['binary abc']],
  ['dynamic32', ['\x01\0\0\0ab'], ['binary \x01\0\0\0a', 'binary b']],
  ['dynamic32:offset=1,static=-4,endian=big', ['X\0\0\0\x04Y'], ['binary X\0\0\0\x04', 'binary Y']],
  ['dynamic32:endian=big offset=1', ['X\0\0\0\0Y'], ['binary X\0\0\0\0', 'binary Y']],
  ['json', ['[]1'], ['text []', 'text 1']]
]

const REFUSED: Array<[string, string]> = [
  ['', 'there is no framing ""'],
  ['lines', 'there is no framing "lines": write one of auto, binary'],
  ['toString', 'there is no framing "toString"'],
  ['auto:', 'takes nothing behind its name'],
  ['json:max=1', 'takes nothing behind its name'],
  ['newline', 'write for example newline:lf'],
  ['newline:nl', 'takes crlf, lfcr, lf, cr, not "nl"'],
  ['separator:', 'write for example separator:\\r\\n'],
  ['separator:\\q', '\\q is no escape'],
  ['separator:\\x1', '\\x1 is no escape'],
  ['separator:\\xg0', '\\xg0 is no escape'],
  ['separator:\\R', '\\R is no escape'],
  ['separator:a\\', '\\ is no escape'],
  ['fixedLength', 'write for example fixedLength:16'],
  ['fixedLength:a', 'takes a whole number, not "a"'],
  ['fixedLength:-1', 'from 0 on, not -1'],
  ['fixedLength:99999999999999999', 'from 0 on'],
  ['dynamic32:offset', 'takes offset=, static= and endian='],
  ['dynamic32:offset=-1', 'offset of the dynamic32 framing'],
  ['dynamic32:offset=x', 'takes a whole number, not "x"'],
  ['dynamic32:endian=middle', 'takes big or little, not "middle"'],
  ['dynamic32:static=0x4', 'takes a whole number']
]

describe('bridge framings as text', () => {
  for (const [form, reads, messages] of TAKEN) {
    it(`takes ${form}`, async () => {
      expect(await frame(parse(form), reads)).to.deep.equal(messages)
    })
  }

  for (const [form, words] of REFUSED) {
    it(`refuses ${JSON.stringify(form)}`, () => {
      expect(() => parse(form)).to.throw(words).with.property('name', 'InvalidParametersError')
    })
  }

  it('takes what its help and errors say', () => {
    expect(FRAMING_EXAMPLES).to.have.lengthOf(8)
    FRAMING_EXAMPLES.forEach(form => { parse(form) })
  })

  it('passes on the size of messages and what is known of the source', async () => {
    for (const form of ['newline:lf', 'separator:x', 'dynamic32', 'json']) {
      expect(await frame(parse(form, { maxMessage: 4 }), ['"4567'])).to.deep.equal(['MessageTooLargeError'])
    }

    expect(await frame(parse('auto', { datagrams: true }), ['\xc3', '\xa9'])).to.deep.equal(['binary \xc3', 'binary \xa9'])
    expect(await frame(parse('text', { datagrams: true }), ['\xc3'])).to.deep.equal(['InvalidMessageError'])
  })

  it('knows each escape', () => {
    expect([...unescapeBytes('\\r\\t\\n\\0\\f\\\\\\x00\\x1f\\xfFé,')]).to.deep.equal([0x0d, 0x09, 0x0a, 0, 0x0c, 0x5c, 0, 0x1f, 0xff, 0xc3, 0xa9, 0x2c])
  })
})
