import { expect } from 'aegir/chai'
import { FrameReader } from '../../src/channel/frame-reader.ts'

interface Reading {
  masked?: boolean
  maxMessage?: number
  /** Bytes per chunk. */
  chunk?: number
}

/** What a reader makes of a byte stream, one word per call of its sink. */
function read (hex: string, { masked = false, maxMessage = 100_000, chunk = Infinity }: Reading = {}): string[] {
  const calls: string[] = []
  const reader: FrameReader = new FrameReader({
    onpayload (data, last) {
      calls.push(`${reader.text ? 'text' : 'binary'} ${Buffer.from(data).toString('hex')}${last ? ' end' : ''}`)
    },
    oncontrol (opcode, payload) {
      calls.push(`control ${opcode.toString(16)} ${Buffer.from(payload).toString('hex')}`)
    }
  }, masked, maxMessage)
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')

  for (let at = 0; at < bytes.length; at += chunk) {
    // of its own, since it is unmasked in place
    const input = Uint8Array.from(bytes.subarray(at, at + chunk))

    for (let offset = 0; offset < input.length;) {
      offset = reader.read(input, offset)
    }
  }

  return calls
}

const HELLO = '48656c6c6f'

describe('FrameReader', () => {
  describe('RFC 6455 section 5.7', () => {
    const examples: Array<[string, boolean, string, string[]]> = [
      ['text', false, '8105 48656c6c6f', [`text ${HELLO} end`]],
      ['masked text', true, '8185 37fa213d 7f9f4d5158', [`text ${HELLO} end`]],
      ['fragmented text', false, '0103 48656c 8002 6c6f', ['text 48656c', 'text 6c6f end']],
      ['ping', false, '8905 48656c6c6f', [`control 9 ${HELLO}`]],
      ['masked pong', true, '8a85 37fa213d 7f9f4d5158', [`control a ${HELLO}`]],
      ['256 bytes', false, `827e0100 ${'ab'.repeat(256)}`, [`binary ${'ab'.repeat(256)} end`]],
      ['64 KiB', false, `827f0000000000010000 ${'cd'.repeat(65_536)}`, [`binary ${'cd'.repeat(65_536)} end`]]
    ]

    for (const [what, masked, hex, calls] of examples) {
      it(`reads ${what}`, () => {
        expect(read(hex, { masked })).to.deep.equal(calls)
      })
    }
  })

  describe('cut input', () => {
    it('gathers a header of any length byte by byte', () => {
      for (const length of ['05', '7e0005', '7f0000000000000005']) {
        expect(read(`82${length}${HELLO}`, { chunk: 1 })).to.deep.equal([48, 65, 0x6c, 0x6c, 0x6f].map((_, i) => `binary ${HELLO.slice(2 * i, 2 * i + 2)}${i === 4 ? ' end' : ''}`))
      }
    })

    it('gathers a control frame within a message, and goes on with the mask of the message', () => {
      const hex = '0183 37fa213d 7f9f4d 8985 37fa213d 7f9f4d5158 8082 37fa213d 5b95'

      for (const chunk of [1, 2, 3, 5, 7, 11, 100]) {
        const calls = read(hex, { masked: true, chunk })
        const text = calls.filter(call => call.startsWith('text')).map(call => call.split(' ')[1]).join('')

        expect(text).to.equal(HELLO)
        expect(calls.filter(call => call.startsWith('control'))).to.deep.equal([`control 9 ${HELLO}`])
        expect(calls.filter(call => call.endsWith('end'))).to.have.lengthOf(1)
        expect(calls.at(-1)).to.match(/end$/)
      }
    })

    it('says how much of a frame is missing', () => {
      const reader = new FrameReader({ onpayload () {}, oncontrol () {} }, false, 100)

      reader.read(Uint8Array.of(0x82, 0x05, 0x01), 0)
      expect(reader.missing).to.equal(4)
      reader.read(Uint8Array.of(2, 3, 4, 5), 0)
      expect(reader.missing).to.equal(0)
    })

    it('reads one frame a call', () => {
      const reader = new FrameReader({ onpayload () {}, oncontrol () {} }, false, 100)

      expect(reader.read(Buffer.from('820101890081017a8800', 'hex'), 3)).to.equal(5)
    })
  })

  describe('empty frames', () => {
    it('ends a message with nothing, and may hold nothing in between', () => {
      expect(read('8200')).to.deep.equal(['binary  end'])
      expect(read('0100 0000 8000')).to.deep.equal(['text ', 'text ', 'text  end'])
      expect(read('8900 8a00 8800')).to.deep.equal(['control 9 ', 'control a ', 'control 8 '])
    })
  })

  describe('what breaks RFC 6455', () => {
    const broken: Array<[string, string, boolean?]> = [
      ['a reserved bit (5.2)', 'c100'],
      ['another reserved bit', 'a100'],
      ['the third reserved bit, on a control frame', '9900'],
      ['a reserved data opcode (5.2)', '8300'],
      ['the last reserved data opcode', '8700'],
      ['a reserved control opcode', '8b00'],
      ['the last reserved control opcode', '8f00'],
      ['a server frame with mask (5.1)', '8180 00000000'],
      ['a client frame without mask (5.1)', '8100', true],
      ['a fragmented control frame (5.5)', '0900'],
      ['a control frame of 126 bytes (5.5)', '897e007e'],
      ['a control frame with a 64 bit length', '897f0000000000000001'],
      ['a continuation of no message (5.4)', '8000'],
      ['a continuation of a message that has ended', '8100 8000'],
      ['a message within a message', '0100 8100'],
      ['a continuation behind a whole message in fragments', '0200 8000 0000']
    ]

    for (const [what, hex, masked] of broken) {
      it(`is refused with 1002, in one piece or many: ${what}`, () => {
        for (const chunk of [1, Infinity]) {
          // what follows makes the whole header fit, so that it is parsed in place
          expect(() => read(hex + '00'.repeat(14), { masked, chunk })).to.throw().that.includes({ name: 'ProtocolError', closeCode: 1002 })
        }
      })
    }
  })

  describe('limit of a message', () => {
    const tooLarge: Array<[string, string, number]> = [
      ['in 7 bits', '8265', 101],
      ['in 16 bits', '827e0065', 101],
      ['in 64 bits', '827f0000000100000000', 2 ** 32],
      ['of which no number is exact', '827fffffffffffffffff', 2 ** 64],
      ['in fragments together', `0264 ${'00'.repeat(100)} 0001`, 101],
      ['in fragments with a ping between', `0264 ${'00'.repeat(100)} 8900 8001`, 101]
    ]

    for (const [what, hex, size] of tooLarge) {
      it(`is checked by the header alone: a length ${what}`, () => {
        expect(() => read(hex, { maxMessage: 100 })).to.throw().that.includes({ name: 'MessageTooLargeError', size, limit: 100 })
      })
    }

    it('starts anew with each message, and takes no control frames into account', () => {
      const message = `0232 ${'00'.repeat(50)} 897d ${'00'.repeat(125)} 8032 ${'00'.repeat(50)}`

      expect(read(message.repeat(3), { maxMessage: 100 }).filter(call => call.endsWith('end'))).to.have.lengthOf(3)
    })
  })
})
