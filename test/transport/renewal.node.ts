import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { createBench } from '../fixtures/transport.ts'
import { until } from '../fixtures/until.ts'
import { portOf } from '../server/fixtures.ts'
import { fingerprint, servedFingerprint } from '../server/load.ts'
import type { Certificate } from '../fixtures/certificate.ts'
import type { Bench } from '../fixtures/transport.ts'
import type { MultiaddrConnection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const CONNECTIONS = 8
const RENEWALS = 5
/** In each direction over each connection, while the certificates change and dials come in. */
const CHUNK = 16_384

describe('certificates of a transport', () => {
  let certificates: Certificate[]

  before(async () => {
    certificates = await Promise.all(Array.from({ length: RENEWALS }, async () => createCertificate()))
  })

  it('AutoTLS renews under load, and no connection and no byte is lost', async function () {
    this.timeout(20_000)

    const bench = createBench({ tls: { rejectUnauthorized: false } })
    const listener = await bench.listen('/ip4/127.0.0.1/tcp/0/ws')
    echoAll(bench)
    provide(bench, 'certificate:provision', certificates[0])
    const [plain, secure] = listener.getAddrs()
    const port = portOf(plain)
    const loads = await Promise.all(Array.from({ length: CONNECTIONS }, async (_, i) => load(bench, i % 2 === 0 ? secure : plain)))

    for (const certificate of certificates.slice(1)) {
      provide(bench, 'certificate:renew', certificate)
      expect(await servedFingerprint(port)).to.equal(fingerprint(certificate))
      await (await load(bench, secure)).end()
    }

    const totals = await Promise.all(loads.map(async ({ end }) => end()))
    expect(totals.every(({ sent, received }) => sent > CHUNK && sent === received), JSON.stringify(totals)).to.be.true()
    expect(loads.map(({ conn }) => conn.status)).to.deep.equal(Array(CONNECTIONS).fill('open'))
  })

  it('files that cannot be used are an error event of the listener, which goes on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ws-'))
    cleanUp(async () => rm(folder, { recursive: true }))
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const [{ key, cert }, other] = certificates
    await Promise.all([writeFile(keyFile, key), writeFile(certFile, cert)])

    const bench = createBench({ certificates: [{ keyFile, certFile }], tls: { ca: cert } })
    const listener = await bench.listen('/ip4/127.0.0.1/tcp/0/tls/ws')
    const error = pEvent<'error', CustomEvent<Error>>(listener, 'error')
    await writeFile(certFile, other.cert)

    expect((await error).detail.message).to.contain(certFile)
    expect(bench.metrics.read('libp2p_websockets_listener_errors_total')).to.deep.equal({ [`127.0.0.1:${portOf(listener.getAddrs()[0])} error`]: 1 })
    await bench.dial(listener.getAddrs()[0])
  })
})

function provide (bench: Bench, type: 'certificate:provision' | 'certificate:renew', detail: Certificate): void {
  bench.events.safeDispatchEvent(type, { detail })
}

function echoAll (bench: Bench): void {
  bench.upgrader.upgradeInbound = async conn => {
    bench.upgrader.accepted.push(conn)
    conn.addEventListener('message', ({ data }) => { conn.send(data) })
  }
}

/** Sends a chunk whenever the one before has come back, until it is ended. */
async function load (bench: Bench, address: Multiaddr): Promise<{ conn: MultiaddrConnection, end (): Promise<{ sent: number, received: number }> }> {
  const conn = await bench.dial(address)
  let [sent, received, ending] = [0, 0, false]
  const send = (): void => {
    sent += CHUNK
    conn.send(new Uint8Array(CHUNK))
  }

  conn.addEventListener('message', ({ data }) => {
    received += data.byteLength

    if (received === sent && !ending) {
      send()
    }
  })
  send()

  return {
    conn,
    async end () {
      await until(() => received > CHUNK)
      ending = true
      await until(() => received === sent || conn.status !== 'open')

      return { sent, received }
    }
  }
}
