/** Official vectors, the JavaScript of Noise as oracle, and connections to nodes that use its defaults. */
import { noise, pureJsCrypto } from '@chainsafe/libp2p-noise'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { createLibp2p } from 'libp2p'
import { Uint8ArrayList } from 'uint8arraylist'
import { webSockets } from '../../src/index.ts'
import { noiseCrypto } from '../../src/noise/index.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { nodeInit, services } from '../fixtures/node-init.ts'
import { pattern } from '../fixtures/streams.ts'
import type { TestNode } from '../fixtures/nodes.ts'
import type { ICryptoInterface } from '@chainsafe/libp2p-noise'

const NONE = new Uint8Array(0)
const KEY = pattern(32)
const NONCE = pattern(12)

describe('noiseCrypto', () => {
  it('hashes as FIPS 180-4, in one piece or many', () => {
    const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

    expect(toHex(noiseCrypto.hashSHA256(utf8('abc')))).to.equal(digest)
    expect(toHex(noiseCrypto.hashSHA256(list(utf8('abc'), 1)))).to.equal(digest)
  })

  it('derives keys as RFC 5869, appendix A.3', () => {
    const keys = noiseCrypto.getHKDF(NONE, new Uint8Array(22).fill(0x0b))

    expect(keys.map(({ length }) => length)).to.deep.equal([32, 32, 32])
    expect(toHex(Buffer.concat(keys)).slice(0, 84)).to.equal('8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8')
  })

  it('agrees on keys as RFC 7748, section 5.2', () => {
    const { privateKey } = noiseCrypto.generateX25519KeyPairFromSeed(hex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4'))
    const shared = noiseCrypto.generateX25519SharedKey(privateKey, hex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c'))

    expect(toHex(shared)).to.equal('c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552')
  })

  it('agrees on keys with the JavaScript of Noise, given keys of either', () => {
    const ours = noiseCrypto.generateX25519KeyPair()
    const theirs = pureJsCrypto.generateX25519KeyPair()
    const shared = toHex(pureJsCrypto.generateX25519SharedKey(theirs.privateKey, ours.publicKey))

    expect(toHex(noiseCrypto.generateX25519SharedKey(ours.privateKey, theirs.publicKey))).to.equal(shared)
    expect(toHex(noiseCrypto.generateX25519SharedKey(theirs.privateKey, ours.publicKey))).to.equal(shared)
    expect(toHex(noiseCrypto.generateX25519SharedKey(list(ours.privateKey, 5), list(theirs.publicKey, 7)))).to.equal(shared)
    expect(noiseCrypto.generateX25519KeyPairFromSeed(theirs.privateKey)).to.deep.include({ publicKey: Buffer.from(theirs.publicKey) })
  })

  it('seals and opens the message of RFC 8439, section 2.8.2', () => {
    const key = hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f')
    const nonce = hex('070000004041424344454647')
    const ad = hex('50515253c0c1c2c3c4c5c6c7')
    const plaintext = utf8("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.")
    const sealed = hex('d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b29' +
      '05d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691')

    expect(toHex(noiseCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key))).to.equal(toHex(sealed))
    expect(toHex(noiseCrypto.chaCha20Poly1305Decrypt(sealed, nonce, ad, key))).to.equal(toHex(plaintext))
  })

  it('seals and opens what the JavaScript of Noise does, of any size and cut', () => {
    const sizes = fc.oneof(fc.nat(2_000), fc.integer({ min: 690, max: 710 }), fc.nat(65_519))

    fc.assert(fc.property(sizes, fc.integer({ min: 1, max: 5 }), fc.uint8Array({ maxLength: 32 }), (size, cuts, ad) => {
      const plaintext = pattern(size)
      const sealed = pureJsCrypto.chaCha20Poly1305Encrypt(plaintext, NONCE, ad, KEY).subarray()

      for (const form of [plaintext, list(plaintext, cuts)]) {
        expect(Buffer.compare(noiseCrypto.chaCha20Poly1305Encrypt(form, NONCE, ad, KEY).subarray(), sealed)).to.equal(0)
      }

      for (const form of [sealed, list(sealed, cuts)]) {
        expect(Buffer.compare(noiseCrypto.chaCha20Poly1305Decrypt(form, NONCE, ad, KEY).subarray(), plaintext)).to.equal(0)
      }
    }))
  })

  it('opens nothing of which a bit has changed, whatever its size', () => {
    for (const size of [0, 16, 683, 684, 65_519]) {
      const sealed = noiseCrypto.chaCha20Poly1305Encrypt(pattern(size), NONCE, NONE, KEY).subarray()
      sealed[size >> 1] ^= 1

      expect(() => noiseCrypto.chaCha20Poly1305Decrypt(sealed, NONCE, NONE, KEY), `${size}`).to.throw()
    }
  })

  for (const [who, ours, theirs] of [['dialler', noiseCrypto, undefined], ['listener', undefined, noiseCrypto], ['both', noiseCrypto, noiseCrypto]] as const) {
    it(`secures a connection to a node with the defaults of Noise, used by the ${who}`, async () => {
      const listener = await nodeWith(theirs, ['/ip4/127.0.0.1/tcp/0/ws'])
      const dialer = await nodeWith(ours)
      const sent = pattern(500_000)
      const { encryption, remotePeer } = await dialer.dial(listener.getMultiaddrs())

      expect(encryption).to.equal('/noise')
      expect(remotePeer.equals(listener.peerId)).to.equal(true)
      expect(Buffer.compare((await dialer.services.echo.echo(remotePeer, sent)).subarray(), sent)).to.equal(0)
    })
  }
})

async function nodeWith (crypto?: ICryptoInterface, listen?: string[]): Promise<TestNode> {
  const node = await createLibp2p({ ...nodeInit(webSockets(), listen), connectionEncrypters: [noise({ crypto })], services })
  cleanUp(async () => node.stop())

  return node
}

function utf8 (text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function hex (text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'hex'))
}

function toHex (bytes: { subarray (): Uint8Array }): string {
  return Buffer.from(bytes.subarray()).toString('hex')
}

/** The bytes as a list of `parts`, typed as Noise has it. */
function list (bytes: Uint8Array, parts: number): any {
  const size = Math.ceil(bytes.length / parts)

  return new Uint8ArrayList(...Array.from({ length: parts }, (_, i) => bytes.slice(i * size, (i + 1) * size)))
}
