import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { decodeBacktrace, decodeHops, decodeWord, encodeWord, firstId, join, nextId } from '../../src/sp/header.ts'

const hex = (text: string): Uint8Array => Uint8Array.from(text.replaceAll(' ', '').match(/../g) ?? [], byte => Number.parseInt(byte, 16))
const toHex = (bytes?: Uint8Array): string | undefined => bytes == null ? undefined : Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
const words = fc.uint8Array({ minLength: 4, maxLength: 4 })

/** As naive as can be: what the codec must agree with. */
function split (message: Uint8Array, ttl: number): string {
  for (let at = 0, hops = 0; ; at += 4, hops++) {
    if (hops === ttl) {
      return 'dropped'
    }

    if (at + 4 > message.length) {
      return 'invalid'
    }

    if (message[at] >= 128) {
      return `${toHex(message.slice(0, at + 4))} ${toHex(message.slice(at + 4))}`
    }
  }
}

describe('sp header: backtrace', () => {
  const cases: Array<[what: string, message: string, ttl: number, header: string | undefined, body?: string]> = [
    ['only an id', '80000007 776f726c64', 8, '80000007', '776f726c64'],
    ['only an id, and no body', 'ffffffff', 1, 'ffffffff', ''],
    ['two hops', '00000007 00000008 80000001 5a', 8, '000000070000000880000001', '5a'],
    ['as many words as the ttl', '00000007 00000008 80000001 5a', 3, '000000070000000880000001', '5a'],
    ['one word more than the ttl', '00000007 00000008 80000001 5a', 2, undefined],
    ['no id within the ttl', '00000007 00000008 5a', 2, undefined]
  ]

  for (const [what, message, ttl, header, body] of cases) {
    it(`reads ${what}`, () => {
      const received = decodeBacktrace(hex(message), ttl)

      expect(toHex(received?.header)).to.equal(header)
      expect(toHex(received?.body)).to.equal(body)
    })
  }

  for (const message of ['', '80', '800000', '00000001', '00000001 00000002', '00000001 8000']) {
    it(`refuses what has no id: "${message}"`, () => {
      expect(() => decodeBacktrace(hex(message), 8)).to.throw().with.property('name', 'InvalidMessageError')
    })
  }

  it('agrees with a naive codec on any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 1, max: 15 }), (message, ttl) => {
      let result: string

      try {
        const received = decodeBacktrace(message, ttl)
        result = received == null ? 'dropped' : `${toHex(received.header)} ${toHex(received.body)}`
      } catch (error: any) {
        expect(error.name).to.equal('InvalidMessageError')
        result = 'invalid'
      }

      expect(result).to.equal(split(message, ttl))
    }), { numRuns: 1_000 })
  })

  it('comes back in front of the answer as it was', () => {
    fc.assert(fc.property(fc.array(words, { maxLength: 7 }), words, fc.uint8Array({ maxLength: 10_000 }), (hops, id, body) => {
      hops.forEach(hop => { hop[0] &= 0x7f })
      id[0] |= 0x80
      const header = new Uint8Array([...hops, id].flatMap(word => [...word]))
      const received = decodeBacktrace(join(header, body).subarray(), 8)

      expect(received?.header).to.deep.equal(header)
      expect(received?.body).to.deep.equal(body)
    }))
  })
})

describe('sp header: words', () => {
  it('are most significant byte first', () => {
    expect(toHex(encodeWord(0xe6a935c7))).to.equal('e6a935c7')
    expect(decodeWord(hex('e6a935c768656c6c6f'))).to.deep.equal({ word: 0xe6a935c7, body: hex('68656c6c6f') })
  })

  it('round-trip', () => {
    fc.assert(fc.property(fc.nat(0xffff_ffff), word => { expect(decodeWord(encodeWord(word)).word).to.equal(word) }))
  })

  for (const message of ['', '80', '800000']) {
    it(`refuses "${message}"`, () => {
      expect(() => decodeWord(hex(message))).to.throw().with.property('name', 'InvalidMessageError')
    })
  }
})

describe('sp header: ids', () => {
  it('have the top bit', () => {
    expect(firstId(() => 0)).to.equal(0x8000_0000)
    expect(firstId(() => 1 - Number.EPSILON)).to.equal(0xffff_ffff)
  })

  it('follow each other, and start over', () => {
    expect(nextId(0x8000_0000)).to.equal(0x8000_0001)
    expect(nextId(0xffff_fffe)).to.equal(0xffff_ffff)
    expect(nextId(0xffff_ffff)).to.equal(0x8000_0000)
  })
})

describe('sp header: hops', () => {
  for (const [message, body] of [['00000001 6869', '6869'], ['00000000', ''], ['00000008', ''], ['00000009', undefined], ['000000ff 00', undefined]] as const) {
    it(`of "${message}", at a ttl of 8: ${body == null ? 'too many' : 'fine'}`, () => {
      expect(toHex(decodeHops(hex(message), 8))).to.equal(body)
    })
  }

  for (const message of ['', '000001', '00000100', '01000001', '80000001']) {
    it(`refuses "${message}"`, () => {
      expect(() => decodeHops(hex(message), 8)).to.throw().with.property('name', 'InvalidMessageError')
    })
  }
})
