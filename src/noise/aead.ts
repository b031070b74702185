/**
 * ChaCha20-Poly1305 (RFC 8439) by OpenSSL, with one key object for each key instead of one for each message: making it
 * costs as much as encrypting 16 KiB.
 */
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import { ChaCha20Poly1305, newInstance } from '@chainsafe/as-chacha20poly1305'
import { Uint8ArrayList } from 'uint8arraylist'
import type { Bytes } from './bytes.ts'
import type { KeyObject } from 'node:crypto'

const ALGORITHM = 'chacha20-poly1305'
const TAG_LENGTH = 16
const OPTIONS = { authTagLength: TAG_LENGTH }

/** Below this many bytes WebAssembly is faster, because it has no cipher object to make. */
const OPENSSL_FROM = 700

const wasm = new ChaCha20Poly1305(newInstance())

/** The array that holds a key lives as long as its connection. */
const keyObjects = new WeakMap<Uint8Array, KeyObject>()

function keyObject (key: Uint8Array): KeyObject {
  let object = keyObjects.get(key)

  if (object == null) {
    object = createSecretKey(key)
    keyObjects.set(key, object)
  }

  return object
}

/** One message; `key` must not change while it is used. */
export function encrypt (plaintext: Bytes, nonce: Uint8Array, ad: Uint8Array, key: Uint8Array): Bytes {
  if (plaintext.byteLength < OPENSSL_FROM) {
    return wasm.seal(key, nonce, plaintext.subarray(), ad)
  }

  const cipher = createCipheriv(ALGORITHM, keyObject(key), nonce, OPTIONS)
  const sealed = new Uint8ArrayList()

  if (ad.length > 0) {
    cipher.setAAD(ad, { plaintextLength: plaintext.byteLength })
  }

  for (const part of parts(plaintext)) {
    sealed.append(cipher.update(part))
  }

  cipher.final()
  sealed.append(cipher.getAuthTag())

  return sealed as unknown as Bytes
}

/**
 * One message; the plaintext may be written to `dst`.
 *
 * @throws {Error} it is not what was encrypted with this key, nonce and associated data
 */
export function decrypt (sealed: Bytes, nonce: Uint8Array, ad: Uint8Array, key: Uint8Array, dst?: Uint8Array): Bytes {
  if (sealed.byteLength < OPENSSL_FROM) {
    return openSmall(sealed.subarray(), nonce, ad, key, dst)
  }

  const length = sealed.byteLength - TAG_LENGTH
  const decipher = createDecipheriv(ALGORITHM, keyObject(key), nonce, OPTIONS)
  const plaintext = new Uint8ArrayList()

  if (ad.length > 0) {
    decipher.setAAD(ad, { plaintextLength: length })
  }

  decipher.setAuthTag(sealed.subarray(length))

  for (const part of parts(sealed instanceof Uint8Array ? sealed.subarray(0, length) : sealed.sublist(0, length))) {
    plaintext.append(decipher.update(part))
  }

  // throws before anybody sees what is not authentic
  decipher.final()

  return plaintext as unknown as Bytes
}

function openSmall (sealed: Uint8Array, nonce: Uint8Array, ad: Uint8Array, key: Uint8Array, dst?: Uint8Array): Uint8Array {
  const plaintext = wasm.open(key, nonce, sealed, ad, dst)

  if (plaintext == null) {
    throw new Error('Not authentic: wrong key, nonce or data')
  }

  return plaintext
}

function parts (bytes: Bytes): Iterable<Uint8Array> {
  return bytes instanceof Uint8Array ? [bytes] : bytes
}
