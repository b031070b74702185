/** Every cause that has a remedy, and the table of the documentation. */
import { readFile } from 'node:fs/promises'
import { expect } from 'aegir/chai'
import { remedyForFailure, remedyForTimeout } from '../../src/channel/dialling/remedy.ts'
import type { DialStage } from '../../src/errors.ts'

const PROXY = 'http://localhost:3128'

function withCode (code: string): Error {
  return Object.assign(new Error('no'), { code })
}

function withStatus (status: number): Error {
  return Object.assign(new Error('no'), { status })
}

describe('remedy', () => {
  const cases: Array<[stage: DialStage, cause: Error, proxy: string | undefined, remedy: string]> = [
    ['resolve', withCode('ENOTFOUND'), undefined, 'spelling'],
    ['resolve', withCode('EAI_AGAIN'), undefined, 'name server'],
    ['resolve', new Error('no'), undefined, 'name'],
    ['connect', withCode('ECONNREFUSED'), undefined, 'Nothing listens'],
    ['connect', withCode('ECONNREFUSED'), PROXY, 'The proxy does not listen'],
    ['connect', new AggregateError([withCode('ETIMEDOUT'), withCode('ENETUNREACH')]), undefined, 'no route'],
    ['connect', withCode('EADDRINUSE'), undefined, 'tcp.localPort'],
    ['connect', withCode('EADDRNOTAVAIL'), undefined, 'tcp.localAddress'],
    ['connect', withCode('EINVAL'), undefined, 'family'],
    ['connect', withCode('EHOSTUNREACH'), undefined, 'No route'],
    ['connect', withCode('EACCES'), undefined, 'rights'],
    ['connect', withCode('EMFILE'), undefined, 'ulimit'],
    ['connect', withCode('ENOENT'), undefined, 'socket file'],
    ['connect', new Error('no'), undefined, 'host and port'],
    ['proxy', withStatus(407), PROXY, 'password'],
    ['proxy', withStatus(403), PROXY, 'access rules'],
    ['proxy', withCode('HPE_INVALID_CONSTANT'), PROXY, 'scheme'],
    ['proxy', withCode('DEPTH_ZERO_SELF_SIGNED_CERT'), PROXY, 'proxy.tls'],
    ['tls', withCode('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), undefined, 'tls.ca'],
    ['tls', withCode('UNABLE_TO_GET_ISSUER_CERT_LOCALLY'), undefined, 'tls.certificateHash'],
    ['tls', withCode('CERT_HAS_EXPIRED'), undefined, 'new certificate'],
    ['tls', withCode('CERT_NOT_YET_VALID'), undefined, 'clock'],
    ['tls', withCode('ERR_TLS_CERT_ALTNAME_INVALID'), undefined, '/tls/sni/NAME/ws'],
    ['tls', withCode('ERR_TLS_CERT_HASH_MISMATCH'), undefined, 'operator'],
    ['tls', withCode('ERR_SSL_WRONG_VERSION_NUMBER'), undefined, '/ws instead'],
    ['tls', withCode('ERR_SSL_PACKET_LENGTH_TOO_LONG'), undefined, '/ws instead'],
    ['tls', withCode('ECONNRESET'), undefined, 'speaks TLS'],
    ['upgrade', withCode('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), undefined, 'tls.cert'],
    ['tls', withCode('ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE'), undefined, 'tls.cert'],
    ['tls', withCode('ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE'), undefined, 'tls.cert'],
    ['upgrade', withStatus(302), undefined, 'maxRedirects'],
    ['upgrade', withStatus(400), undefined, '/tls/ws'],
    ['upgrade', withStatus(401), undefined, 'Authorization'],
    ['upgrade', withStatus(403), undefined, 'Origin'],
    ['upgrade', withStatus(404), undefined, '/http-path'],
    ['upgrade', withStatus(426), undefined, 'protocol'],
    ['upgrade', withStatus(429), undefined, 'less often'],
    ['upgrade', withStatus(502), undefined, 'gateway'],
    ['upgrade', withStatus(503), undefined, 'later'],
    ['upgrade', withStatus(504), undefined, 'gateway'],
    ['upgrade', withStatus(418), undefined, 'speaks WebSocket']
  ]

  for (const [stage, cause, proxy, remedy] of cases) {
    const { code, status, errors } = cause as any

    it(`${stage}: ${errors == null ? code ?? status ?? 'anything else' : 'several addresses'}${proxy == null ? '' : ', through a proxy'}`, () => {
      expect(remedyForFailure(stage, cause, proxy)).to.include(remedy)
    })
  }

  it('is there for every stage that takes too long', () => {
    const remedies = (['resolve', 'connect', 'proxy', 'tls', 'upgrade'] as const).map(stage => remedyForTimeout(stage, undefined))

    expect(new Set(remedies)).to.have.property('size', 5)
    expect(remedyForTimeout('connect', PROXY)).to.include('the proxy')
  })

  it('is in the documentation for every code', async () => {
    const text = await readFile(new URL('../../docs/dialling.md', import.meta.url), 'utf8')
    const codes = cases.map(([, cause]) => (cause as any).code as string | undefined).filter(code => code != null && !/HANDSHAKE_FAILURE|HPE|ISSUER/.test(code))

    expect(codes.filter(code => !text.includes(`\`${code}\``))).to.deep.equal([])
  })
})
