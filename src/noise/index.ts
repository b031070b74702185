/**
 * The algorithms of `Noise_XX_25519_ChaChaPoly_SHA256` by OpenSSL, faster than the defaults of
 * `@chainsafe/libp2p-noise` and the same on the wire. For Node; Electron's OpenSSL has no ChaCha20-Poly1305.
 */
import { createHash, hkdfSync } from 'node:crypto'
import { decrypt, encrypt } from './aead.ts'
import { generateKeyPair, keyPairFromSeed, sharedKey } from './x25519.ts'
import type { ICryptoInterface } from '@chainsafe/libp2p-noise'

const HASH = 'sha256'
const KEY_LENGTH = 32
const NO_INFO = new Uint8Array(0)

/**
 * For `noise({ crypto: noiseCrypto })`. It needs `@chainsafe/libp2p-noise` 17 beside it.
 *
 * A key is one object from its first use on: the bytes of a key must not change afterwards, and Noise does not change
 * them.
 */
export const noiseCrypto: ICryptoInterface = {
  hashSHA256 (data) {
    const hash = createHash(HASH)

    for (const part of data instanceof Uint8Array ? [data] : data) {
      hash.update(part)
    }

    return hash.digest()
  },

  // RFC 5869, as Noise section 4.3 has it: the chaining key is the salt
  getHKDF (chainingKey, inputKeyMaterial) {
    const output = new Uint8Array(hkdfSync(HASH, inputKeyMaterial, chainingKey, NO_INFO, 3 * KEY_LENGTH))

    return [0, 1, 2].map(i => output.subarray(i * KEY_LENGTH, (i + 1) * KEY_LENGTH)) as [Uint8Array, Uint8Array, Uint8Array]
  },

  generateX25519KeyPair: generateKeyPair,
  generateX25519KeyPairFromSeed: keyPairFromSeed,
  generateX25519SharedKey: sharedKey,
  chaCha20Poly1305Encrypt: encrypt,
  chaCha20Poly1305Decrypt: decrypt
}
