/** Whom a secure dial trusts, and who it is itself. */
import { X509Certificate } from 'node:crypto'
import { expect } from 'aegir/chai'
import { dial } from '../../src/channel/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { serve } from '../server/fixtures.ts'
import { failure } from './failure.ts'
import { expectFailed } from './rude.ts'
import type { Channel, TlsOptions } from '../../src/channel/index.ts'
import type { Certificate } from '../fixtures/certificate.ts'
import type { ServerOptions } from 'node:https'
import type { SecureVersion, TLSSocket } from 'node:tls'

const AT = '/ip4/127.0.0.1/tcp/0/tls/ws'
const VERSIONS: SecureVersion[] = ['TLSv1.2', 'TLSv1.3']

async function open (address: string, tls: TlsOptions): Promise<Channel> {
  const channel = await dial(address, { tls })
  cleanUp(() => { channel.abort() })

  return channel
}

describe('dial: TLS', () => {
  let certificate: Certificate
  let other: Certificate
  let hash: string
  before(async () => {
    [certificate, other] = await Promise.all([createCertificate(), createCertificate()])
    hash = new X509Certificate(certificate.cert).fingerprint256
  })

  const url = async (https: ServerOptions = certificate): Promise<string> => `wss://127.0.0.1:${(await serve({ https }, AT)).port}`

  describe('certificateHash', () => {
    it('accepts the certificate that has it, whoever signed it and whatever its name', async () => {
      const address = await url()
      const unlike = new X509Certificate(other.cert).fingerprint256

      for (const certificateHash of [hash, hash.toLowerCase().replaceAll(':', ''), [unlike, hash]]) {
        await open(address, { certificateHash })
      }

      await open(address.replace('wss://127.0.0.1:', '/ip4/127.0.0.1/tcp/') + '/tls/sni/another.example/ws', { certificateHash: hash })
    })

    it('refuses any other before a byte is sent, also one that the authority vouches for', async () => {
      const served = await serve({ https: certificate }, AT)
      const certificateHash = new X509Certificate(other.cert).fingerprint256
      const error = await failure(`wss://127.0.0.1:${served.port}`, { tls: { ca: certificate.cert, certificateHash } })

      expectFailed(error, 'tls')
      expect(error.cause).to.have.property('code', 'ERR_TLS_CERT_HASH_MISMATCH')
      expect(error.message).to.include(hash.toLowerCase().replaceAll(':', ''))
      expect(served.requests).to.have.lengthOf(0)
    })

    it('asks for an authority too with rejectUnauthorized', async () => {
      const address = await url()

      await open(address, { certificateHash: hash, rejectUnauthorized: true, ca: certificate.cert })
      expectFailed(await failure(address, { tls: { certificateHash: hash, rejectUnauthorized: true } }), 'tls')
    })

    for (const certificateHash of ['', 'AB:CD', ['none'], 'z'.repeat(64)]) {
      it(`is none: ${JSON.stringify(certificateHash)}`, async () => {
        expect(await failure('wss://127.0.0.1:9', { tls: { certificateHash } })).to.have.property('name', 'InvalidParametersError')
      })
    }
  })

  describe('client certificate', () => {
    it('is that of cert and key', async () => {
      const served = await serve({ https: { ...certificate, requestCert: true, ca: other.cert } }, AT)
      await open(`wss://127.0.0.1:${served.port}`, { ca: certificate.cert, cert: other.cert, key: other.key })

      expect(served.requests[0].socket as TLSSocket).to.have.property('authorized', true)
      expect((served.requests[0].socket as TLSSocket).getPeerX509Certificate()?.fingerprint256).to.equal(new X509Certificate(other.cert).fingerprint256)
    })

    VERSIONS.forEach(maxVersion => {
      it(`is asked for in the error where there is none: ${maxVersion}`, async () => {
        const error = await failure(await url({ ...certificate, requestCert: true, rejectUnauthorized: true, ca: other.cert, maxVersion }), { tls: { ca: certificate.cert } })

        // in TLS 1.3 the client is done before the server has looked at its certificate
        expect(error).to.have.property('name', 'ConnectionFailedError')
        expect(error.remedy).to.include('tls.cert')
      })
    })
  })

  it('says what to do about a certificate that nobody vouches for, or of another name', async () => {
    const address = await url()
    const unknown = await failure(address)
    const named = await failure(address.replace('wss://127.0.0.1:', '/ip4/127.0.0.1/tcp/') + '/tls/sni/another.example/ws', { tls: { ca: certificate.cert } })

    expect(unknown.remedy).to.include('tls.ca').and.include('tls.certificateHash')
    expect(named.remedy).to.include('/tls/sni/NAME/ws')
  })
})
