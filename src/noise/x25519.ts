/**
 * X25519 (RFC 7748) by OpenSSL. It takes keys as objects, and Noise has them as bytes: the objects of own private keys are
 * kept, so that a handshake does not make them again for each of its exchanges.
 */
import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync } from 'node:crypto'
import type { Bytes } from './bytes.ts'
import type { KeyPair } from '@chainsafe/libp2p-noise'
import type { KeyObject } from 'node:crypto'

/** What comes before the 32 bytes of a key in DER (RFC 8410 sections 4 and 7). */
const PKCS8_PREFIX = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20)
const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00)

/** By the array that `generateKeyPair` or `keyPairFromSeed` gave out, which lives as long as somebody needs the key. */
const privateKeys = new WeakMap<Uint8Array, KeyObject>()

export function generateKeyPair (): KeyPair {
  return keyPair(generateKeyPairSync('x25519').privateKey)
}

/** `seed` is the private key, 32 bytes. */
export function keyPairFromSeed (seed: Uint8Array): KeyPair {
  return keyPair(privateKeyObject(seed))
}

/** 32 bytes. */
export function sharedKey (privateKey: Bytes, publicKey: Bytes): Uint8Array {
  const own = privateKey.subarray()

  return diffieHellman({
    privateKey: privateKeys.get(own) ?? privateKeyObject(own),
    publicKey: createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey.subarray()]), format: 'der', type: 'spki' })
  })
}

function keyPair (object: KeyObject): KeyPair {
  const privateKey = object.export({ format: 'der', type: 'pkcs8' }).subarray(PKCS8_PREFIX.length)
  const publicKey = createPublicKey(object).export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length)
  privateKeys.set(privateKey, object)

  return { publicKey, privateKey }
}

function privateKeyObject (bytes: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, bytes]), format: 'der', type: 'pkcs8' })
}
