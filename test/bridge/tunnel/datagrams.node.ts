import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { DatagramReader, frameDatagram, MAX_DATAGRAM } from '../../../src/bridge/tunnel/datagrams.ts'

function readAll (reader: DatagramReader): Uint8Array[] {
  const datagrams = []

  for (let datagram = reader.next(); datagram != null; datagram = reader.next()) {
    datagrams.push(datagram)
  }

  return datagrams
}

describe('datagrams in a stream', () => {
  it('have two bytes of length in front, in network byte order', () => {
    expect(frameDatagram(Uint8Array.of(1, 2, 3)).subarray()).to.deep.equal(Uint8Array.of(0, 3, 1, 2, 3))
    expect(frameDatagram(new Uint8Array(0)).subarray()).to.deep.equal(Uint8Array.of(0, 0))
    expect(frameDatagram(new Uint8Array(MAX_DATAGRAM)).subarray(0, 2)).to.deep.equal(Uint8Array.of(0xff, 0xff))
  })

  it('arrive as they were sent, empty ones too, wherever the stream is cut', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 10 }), fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), (datagrams, cuts) => {
      const stream = Buffer.concat(datagrams.map(datagram => frameDatagram(datagram).subarray()))
      const reader = new DatagramReader()
      const received = []

      for (let at = 0, i = 0; at < stream.length; at += cuts[i++ % cuts.length]) {
        reader.push(new Uint8Array(stream.subarray(at, at + cuts[i % cuts.length])))
        received.push(...readAll(reader))
      }

      expect(received.map(datagram => [...datagram])).to.deep.equal(datagrams.map(datagram => [...datagram]))
      expect(reader.incomplete).to.equal(false)
    }))
  })

  it('say when one is missing its end', () => {
    const reader = new DatagramReader()

    for (const byte of [0, 2, 1]) {
      reader.push(Uint8Array.of(byte))
      expect(reader.next()).to.equal(undefined)
      expect(reader.incomplete).to.equal(true)
    }

    reader.push(Uint8Array.of(7))
    expect(reader.next()).to.deep.equal(Uint8Array.of(1, 7))
    expect(reader.incomplete).to.equal(false)
  })
})
