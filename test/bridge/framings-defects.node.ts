/** What the framings of websocksy do, and ours must not: each of these fails there. */
import { expect } from 'aegir/chai'
import { auto, dynamic32, fixedLength, json, newline, parse, separator } from '../../src/bridge/framings/index.ts'
import { frame, sourceOf } from './framing-fixtures.ts'

describe('bridge framings: what websocksy does, and ours must not', () => {
  it('tie the size of a message to that of a buffer', async () => {
    const line = `${'x'.repeat(100_000)}\n`
    const reads = line.match(/.{1,16383}/gs) ?? []

    expect(await frame(newline('lf'), reads)).to.deep.equal([`text ${line}`])
    expect(await frame(newline('lf', { maxMessage: line.length }), reads)).to.deep.equal([`text ${line}`])
    expect(await frame(newline('lf', { maxMessage: line.length - 1 }), reads)).to.deep.equal(['MessageTooLargeError'])
  })

  it('say nothing about what was too large', async () => {
    const error = await Array.fromAsync(separator('\n', { maxMessage: 10 })(sourceOf([Buffer.alloc(11)]))).catch(err => err)

    expect(error).to.include({ name: 'MessageTooLargeError', size: 11, limit: 10 })
  })

  it('discard what is not framed when the peer ends', async () => {
    expect(await frame(separator('\n'), ['a\nb'])).to.deep.equal(['binary a\n', 'binary b'])
    expect(await frame(newline('lf'), ['a'])).to.deep.equal(['text a'])
    expect(await frame(fixedLength(4), ['abcdef'])).to.deep.equal(['binary abcd', 'binary ef'])
    expect(await frame(dynamic32(), ['\x05\0\0\0ab'])).to.deep.equal(['binary \x05\0\0\0ab'])
    expect(await frame(json(), ['{}12'])).to.deep.equal(['text {}', 'text 12'])
    expect(await frame(auto(), ['a\xe2\x82'])).to.deep.equal(['text a', 'binary \xe2\x82'])
  })

  it('miss a separator that two reads share', async () => {
    expect(await frame(newline('crlf'), ['a\r', '\nb\r\n'])).to.deep.equal(['text a\r\n', 'text b\r\n'])
    expect(await frame(separator('12345'), ['a1', '2', '34', '5b'])).to.deep.equal(['binary a12345', 'binary b'])
  })

  it('read \\x1f as 0x0f', async () => {
    expect(await frame(parse('separator:\\x1f'), ['a\x0fb\x1fc'])).to.deep.equal(['binary a\x0fb\x1f', 'binary c'])
  })

  it('carry the type of a message over to the next one of the same read', async () => {
    expect(await frame(newline('lf'), ['text\n\xff\xfe\nmore\n'])).to.deep.equal(['text text\n', 'binary \xff\xfe\n', 'text more\n'])
  })

  it('cut characters where reads are cut', async () => {
    expect(await frame(auto(), ['caf\xc3', '\xa9'])).to.deep.equal(['text caf', 'text \xc3\xa9'])
    expect(await frame(auto(), ['\xf0\x9f', '\x98', '\x80!'])).to.deep.equal(['text \xf0\x9f\x98\x80!'])
    expect(await frame(newline('lf'), ['caf\xc3', '\xa9\n'])).to.deep.equal(['text caf\xc3\xa9\n'])
  })

  it('take overlong forms, surrogates and what is beyond Unicode for text', async () => {
    for (const bytes of ['\xc0\x80', '\xc1\xbf', '\xe0\x80\x80', '\xed\xa0\x80', '\xf0\x80\x80\x80', '\xf4\x90\x80\x80', '\xf5\x80\x80\x80']) {
      expect(await frame(auto(), [bytes])).to.deep.equal([`binary ${bytes}`])
      expect(await frame(newline('lf'), [`${bytes}\n`])).to.deep.equal([`binary ${bytes}\n`])
    }
  })

  it('crash on the first data where configuration is missing or wrong', () => {
    for (const form of ['separator', 'separator:', 'newline', 'newline:', 'fixedlength', 'fixedlength:', 'fixedlength:-5', 'dynamic32:offset=-8', 'unknown']) {
      expect(() => parse(form)).to.throw().with.property('name', 'InvalidParametersError')
    }

    expect(() => separator('')).to.throw().with.property('name', 'InvalidParametersError')
    expect(() => newline(undefined as any)).to.throw().with.property('name', 'InvalidParametersError')
    expect(() => fixedLength(Number.NaN)).to.throw().with.property('name', 'InvalidParametersError')
    expect(() => dynamic32({ static: 0.5 })).to.throw().with.property('name', 'InvalidParametersError')
    expect(() => dynamic32({ endian: 'network' as any })).to.throw().with.property('name', 'InvalidParametersError')
  })

  it('loop for ever over two options of dynamic32', async () => {
    expect(await frame(parse('dynamic32:offset=1,endian=big'), ['x\0\0\0\x01a'])).to.deep.equal(['binary x\0\0\0\x01a'])
  })

  it('loop for ever over a length that is negative', async () => {
    expect(await frame(dynamic32({ static: -100 }), ['\x05\0\0\0ab'])).to.deep.equal(['InvalidMessageError'])
    expect(await frame(dynamic32({ static: -4 }), ['\x04\0\0\0', '\x03\0\0\0'])).to.deep.equal(['binary \x04\0\0\0', 'InvalidMessageError'])
  })

  it('refuse bytes over 0x7f in JSON', async () => {
    expect(await frame(json(), ['"caf\xc3', '\xa9"'])).to.deep.equal(['text "caf\xc3\xa9"'])
  })

  it('overlook the quote behind an escaped backslash', async () => {
    expect(await frame(json(), ['"a\\\\""b\\', '"" ["]\\\\\\"]"]'])).to.deep.equal(['text "a\\\\"', 'text "b\\""', 'text  ["]\\\\\\"]"]'])
  })

  it('end a number where a read ends', async () => {
    expect(await frame(json(), ['12', '34 ', '5'])).to.deep.equal(['text 1234', 'text  5'])
  })
})
