import { createRequire } from 'node:module'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { mask, maskInPlace, maskingKey, rotateKey } from '../../src/channel/mask.ts'
import { skip } from '../fixtures/skip.ts'
import { pattern } from '../fixtures/streams.ts'

/** An optional dependency. */
const unmask = ((): ((data: Uint8Array, key: Uint8Array) => void) | undefined => {
  try {
    return createRequire(import.meta.url)('bufferutil').unmask
  } catch {
    // not built for this machine
  }
})()

/** Lengths on both sides of where the native code takes over. */
const LENGTHS = [...Array.from({ length: 40 }, (_, i) => i), 255, 256, 257, 1_000, 70_001]

const keys = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

/** RFC 6455 section 5.3, word for word. */
function naive (data: Uint8Array, key: number): Uint8Array {
  const bytes = keyBytes(key)

  return data.map((byte, i) => byte ^ bytes[i % 4])
}

/** The first byte of a key is its lowest. */
function keyBytes (key: number): Uint8Array {
  return Uint8Array.of(key, key >> 8, key >> 16, key >> 24)
}

/** Bytes that start `offset` bytes into their memory, and end before it does. */
function slice (offset: number, length: number): Uint8Array {
  return pattern(offset + length + 5).subarray(offset, offset + length)
}

describe('mask', () => {
  for (const [name, implementation] of Object.entries({ mask, maskInPlace })) {
    it(`is the loop of the specification, at every alignment and length: ${name}`, () => {
      fc.assert(fc.property(keys, fc.integer({ min: 0, max: 7 }), fc.constantFrom(...LENGTHS), (key, offset, length) => {
        const data = slice(offset, length)
        const memory = new Uint8Array(data.buffer)
        const before = memory.slice()
        const expected = naive(data, key)

        implementation(data, key)

        expect(data).to.deep.equal(expected)
        expect(memory.subarray(0, offset)).to.deep.equal(before.subarray(0, offset))
        expect(memory.subarray(offset + length)).to.deep.equal(before.subarray(offset + length))
      }))
    })

    it(`does the same as bufferutil: ${name}`, function () {
      if (unmask == null) {
        expect(process.env.CI, 'CI needs bufferutil').to.equal(undefined)
        return skip(this, 'bufferutil is not installed')
      }

      fc.assert(fc.property(keys, fc.integer({ min: 0, max: 7 }), fc.constantFrom(...LENGTHS), (key, offset, length) => {
        const data = slice(offset, length)
        const expected = data.slice()
        unmask(expected, keyBytes(key))

        implementation(data, key)

        expect(data).to.deep.equal(expected)
      }))
    })
  }

  it('goes on with the turned key where data is cut', () => {
    fc.assert(fc.property(keys, fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 6 }), (key, lengths) => {
      const data = slice(0, lengths.reduce((sum, length) => sum + length, 0))
      const expected = naive(data, key)
      let at = 0
      let turned = key

      for (const length of lengths) {
        mask(data.subarray(at, at + length), turned)
        turned = rotateKey(turned, length)
        at += length
      }

      expect(data).to.deep.equal(expected)
    }))
  })

  it('masks the example of RFC 6455 section 5.7', () => {
    const data = Buffer.from('Hello')

    mask(data, 0x3d21fa37)

    expect(data.toString('hex')).to.equal('7f9f4d5158')
  })

  it('draws a new key for each frame', () => {
    // three pools of them; by chance one of 6 000 is there twice once in 250 runs
    const drawn = new Set(Array.from({ length: 6_000 }, maskingKey))

    expect(drawn.size).to.be.at.least(5_998)
  })
})
