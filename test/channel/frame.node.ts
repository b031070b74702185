import { expect } from 'aegir/chai'
import { Opcode, decodeClose, encodeClose, headerLength, isSendableCode, writeHeader } from '../../src/channel/frame.ts'

/** The masking key of the examples in RFC 6455, its first byte the lowest. */
const KEY = 0x3d21fa37

function header (opcode: number, size: number, key?: number): string {
  const out = new Uint8Array(14)
  const length = writeHeader(out, opcode, size, key)
  expect(length).to.equal(headerLength(size, key != null))

  return Buffer.from(out.subarray(0, length)).toString('hex')
}

describe('frame header', () => {
  const headers: Array<[string, number, number, number | undefined, string]> = [
    ['RFC 6455 section 5.7: text', Opcode.TEXT, 5, undefined, '8105'],
    ['RFC 6455 section 5.7: masked text', Opcode.TEXT, 5, KEY, '818537fa213d'],
    ['RFC 6455 section 5.7: ping', Opcode.PING, 5, undefined, '8905'],
    ['RFC 6455 section 5.7: masked pong', Opcode.PONG, 5, KEY, '8a8537fa213d'],
    ['RFC 6455 section 5.7: 256 bytes', Opcode.BINARY, 256, undefined, '827e0100'],
    ['RFC 6455 section 5.7: 64 KiB', Opcode.BINARY, 65_536, undefined, '827f0000000000010000'],
    ['nothing', Opcode.BINARY, 0, undefined, '8200'],
    ['close', Opcode.CLOSE, 2, undefined, '8802'],
    ['the longest in 7 bits', Opcode.BINARY, 125, KEY, '82fd37fa213d'],
    ['the shortest in 16 bits', Opcode.BINARY, 126, KEY, '82fe007e37fa213d'],
    ['the longest in 16 bits', Opcode.BINARY, 65_535, undefined, '827effff'],
    ['the shortest in 64 bits', Opcode.BINARY, 65_536, KEY, '82ff000000000001000037fa213d'],
    ['over 32 bits', Opcode.BINARY, 2 ** 40 + 2 ** 31 + 1, undefined, '827f0000010080000001']
  ]

  for (const [what, opcode, size, key, hex] of headers) {
    it(`is ${hex} for ${what}`, () => {
      expect(header(opcode, size, key)).to.equal(hex)
    })
  }

  it('is written at the start of a slice of a larger buffer', () => {
    const buffer = new Uint8Array(40).fill(0xee)

    writeHeader(buffer.subarray(13), Opcode.BINARY, 70_000)

    expect(Buffer.from(buffer.subarray(12, 24)).toString('hex')).to.equal('ee827f0000000000011170ee')
  })
})

describe('payload of a Close frame', () => {
  it('is a code in network order, and a reason in UTF-8', () => {
    expect(Buffer.from(encodeClose(1000, '')).toString('hex')).to.equal('03e8')
    expect(Buffer.from(encodeClose(4999, 'é€')).toString('hex')).to.equal('1387c3a9e282ac')
    expect(decodeClose(Buffer.from('1387c3a9e282ac', 'hex'))).to.deep.equal({ code: 4999, reason: 'é€' })
  })

  it('may be empty, which is 1005', () => {
    expect(decodeClose(new Uint8Array(0))).to.deep.equal({ code: 1005, reason: '' })
  })

  it('keeps a byte order mark', () => {
    expect(decodeClose(Buffer.from('03e8efbbbf41', 'hex')).reason).to.equal('\ufeffA')
  })

  it('has at most 125 bytes', () => {
    expect(encodeClose(1000, 'x'.repeat(123))).to.have.lengthOf(125)
    expect(() => encodeClose(1000, 'x'.repeat(124))).to.throw('124').with.property('name', 'InvalidParametersError')
    expect(() => encodeClose(1000, 'é'.repeat(62))).to.throw('124').with.property('name', 'InvalidParametersError')
  })

  const invalid: Array<[string, number, string]> = [
    ['one byte', 1002, '03'],
    ['code 1005', 1002, '03ed'],
    ['code 1006', 1002, '03ee'],
    ['code 0', 1002, '0000'],
    ['code 65535', 1002, 'ffff'],
    ['a reason that is cut within a character', 1007, '03e8e282'],
    ['a reason with a surrogate', 1007, '03e8eda080']
  ]

  for (const [what, closeCode, hex] of invalid) {
    it(`is refused with ${closeCode}: ${what}`, () => {
      expect(() => decodeClose(Buffer.from(hex, 'hex'))).to.throw().that.includes({ name: 'ProtocolError', closeCode })
    })
  }

  it('has a code of RFC 6455 section 7.4, or of the registry that it opens', () => {
    const sendable = Array.from({ length: 65_536 }, (_, code) => code).filter(isSendableCode)
    const expected = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, ...Array.from({ length: 2_000 }, (_, i) => 3_000 + i)]

    expect(sendable).to.deep.equal(expected)
  })
})
