import { expect } from 'aegir/chai'
import { FORMATS } from '../../src/cli/message-format.ts'

const MESSAGE = Buffer.from('a"\\\t\r\n\0\x7fé~', 'latin1')

describe('formats of messages', () => {
  const cases: Record<string, string> = {
    ascii: 'a"\\......~\n',
    hex: '"\\x61\\x22\\x5c\\x09\\x0d\\x0a\\x00\\x7f\\xe9\\x7e"\n',
    msgpack: '\xc4\x0a' + MESSAGE.toString('latin1'),
    no: '',
    quoted: '"a\\"\\\\\\t\\r\\n\\x00\\x7f\\xe9~"\n',
    raw: MESSAGE.toString('latin1')
  }

  for (const [name, written] of Object.entries(cases)) {
    it(`has ${name}`, () => {
      expect(Buffer.from(FORMATS[name](MESSAGE) as Buffer).toString('latin1')).to.equal(written)
    })
  }

  for (const [size, header] of [[0, 'c400'], [255, 'c4ff'], [256, 'c50100'], [65_535, 'c5ffff'], [65_536, 'c600010000']] as const) {
    it(`writes the shortest length of MessagePack for ${size} bytes`, () => {
      const written = Buffer.from(FORMATS.msgpack(new Uint8Array(size)) as Buffer)

      expect(written.toString('hex', 0, written.length - size)).to.equal(header)
    })
  }

  it('covers them all', () => {
    expect(Object.keys(cases)).to.have.members(Object.keys(FORMATS))
  })
})
