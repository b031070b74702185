import { generate } from 'selfsigned'
import type { Certificate } from './peers/peer.ts'

/** A new key and a certificate for 127.0.0.1 that is its own authority. */
export async function createCertificate (): Promise<Certificate> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }
    ]
  })

  return { key, cert }
}
