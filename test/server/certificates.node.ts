import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { HttpServers } from '../../src/server/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { until } from '../fixtures/until.ts'
import { exchange, freePort, open, rawTlsClient, refusesTcp, rejection, serve } from './fixtures.ts'
import { fingerprint, grows, numbers, servedFingerprint } from './load.ts'
import type { Served } from './fixtures.ts'
import type { CertificateFiles, CertificateSource, ListenOptions } from '../../src/server/index.ts'
import type { Certificate } from '../fixtures/certificate.ts'

const SECURE = '/ip4/127.0.0.1/tcp/0/tls/ws'
/** Opened one after the other while certificates are replaced. */
const DIALS = 60

describe('certificates', () => {
  let first: Certificate
  let second: Certificate
  let tls: { ca: string[] }
  let folder: string
  let files: CertificateFiles

  before(async () => {
    [first, second] = await Promise.all([createCertificate(), createCertificate()])
    tls = { ca: [first.cert, second.cert] }
  })

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ws-'))
    cleanUp(async () => rm(folder, { recursive: true }))
    files = { keyFile: join(folder, 'privkey.pem'), certFile: join(folder, 'fullchain.pem') }
  })

  const write = async ({ key, cert }: Certificate): Promise<void> => {
    await Promise.all([writeFile(files.keyFile, key), writeFile(files.certFile, cert)])
  }

  const serveFiles = async (options: ListenOptions = {}): Promise<Served & { errors: Error[] }> => {
    const errors: Error[] = []
    const served = await serve({ certificates: [files], onerror: error => { errors.push(error) }, ...options }, SECURE)

    return Object.assign(served, { errors })
  }

  const shows = async (port: number, certificate: Certificate): Promise<void> => {
    while (await servedFingerprint(port) !== fingerprint(certificate)) {
      // until it does, or the time of the test is over
    }
  }

  describe('by name', () => {
    const names = async (...certificates: string[][]): Promise<Certificate[]> => Promise.all(certificates.map(async names => createCertificate(names)))

    it('shows the first that has the name a client asks for, exactly or by a wildcard, or else the first', async () => {
      const certificates = await names(['a.test'], ['b.test', 'c.test'], ['*.d.test'], ['b.test'])
      const { port } = await serve({ certificates }, SECURE)

      for (const [servername, index] of [['a.test', 0], ['b.test', 1], ['C.TEST', 1], ['x.d.test', 2], ['d.test', 0], ['x.y.d.test', 0], ['other.test', 0], ['', 0]] as const) {
        expect(await servedFingerprint(port, { servername }), servername).to.equal(fingerprint(certificates[index]))
      }
    })

    it('shows that of https where none has the name', async () => {
      const [a, b] = await names(['a.test'], ['b.test'])
      const { port } = await serve({ https: first, certificates: [a, b] }, SECURE)

      expect(await servedFingerprint(port, { servername: 'b.test' })).to.equal(fingerprint(b))
      expect(await servedFingerprint(port, { servername: 'other.test' })).to.equal(fingerprint(first))
      expect(await servedFingerprint(port, { servername: '' })).to.equal(fingerprint(first))
    })

    it('shows what setCertificate brought where none has the name', async () => {
      const [a] = await names(['a.test'])
      const { server, port } = await serve({ certificates: [a] }, SECURE)
      server.setCertificate(second)

      expect(await servedFingerprint(port, { servername: 'a.test' })).to.equal(fingerprint(a))
      expect(await servedFingerprint(port, { servername: 'other.test' })).to.equal(fingerprint(second))
    })

    it('leaves the choice to SNICallback of https', async () => {
      const [a] = await names(['a.test'])
      const asked: string[] = []
      const https = {
        SNICallback (name: string, done: (error: null) => void) {
          asked.push(name)
          done(null)
        }
      }
      const { port } = await serve({ https, certificates: [first, a] }, SECURE)

      expect(await servedFingerprint(port, { servername: 'a.test' })).to.equal(fingerprint(first))
      expect(asked).to.deep.equal(['a.test'])
    })

    it('takes the other options of https for each: client certificates', async () => {
      const [a] = await names(['a.test'])
      const { port, failed } = await serve({ https: { requestCert: true, ca: second.cert }, certificates: [first, a] }, SECURE)

      for (const servername of ['localhost', 'a.test']) {
        const channel = await open(`/ip4/127.0.0.1/tcp/${port}/tls/ws`, { tls: { ...second, servername, rejectUnauthorized: false } })
        await expect(exchange(channel, 'known')).to.eventually.equal('known')
      }

      await rawTlsClient(port, '', { servername: 'a.test' })
      expect((await failed()).stage).to.equal('tls')
    })
  })

  describe('from files', () => {
    it('are used, and turn TLS on', async () => {
      await write(first)
      const { server } = await serve({ certificates: [files] })

      expect(server.addresses).to.have.lengthOf(2)
      await expect(exchange(await open(server.addresses[1], { tls }), 'secure')).to.eventually.equal('secure')
    })

    const ways: Array<[string, () => Promise<void>]> = [
      ['written to', async () => write(second)],
      ['replaced by others', async () => {
        const { keyFile, certFile } = files
        files = { keyFile: `${keyFile}.new`, certFile: `${certFile}.new` }
        await write(second)
        await Promise.all([rename(files.keyFile, keyFile), rename(files.certFile, certFile)])
      }]
    ]

    for (const [way, replace] of ways) {
      it(`are read again when they are ${way}`, async () => {
        await write(first)
        const { server, port, errors } = await serveFiles()
        const channel = await open(server.addresses[0], { tls })
        expect(await servedFingerprint(port)).to.equal(fingerprint(first))

        await replace()
        await shows(port, second)
        await expect(exchange(channel, 'opened before')).to.eventually.equal('opened before')
        expect(errors).to.be.empty()
      })
    }

    it('are read again when a link to their folder is switched, as Kubernetes does', async () => {
      for (const [name, { key, cert }] of [['1', first], ['2', second]] as const) {
        await mkdir(join(folder, name))
        await writeFile(join(folder, name, 'privkey.pem'), key)
        await writeFile(join(folder, name, 'fullchain.pem'), cert)
        await symlink(name, join(folder, `data${name}`))
      }

      await rename(join(folder, 'data1'), join(folder, 'data'))
      await Promise.all([symlink('data/privkey.pem', files.keyFile), symlink('data/fullchain.pem', files.certFile)])
      const { port } = await serveFiles()
      expect(await servedFingerprint(port)).to.equal(fingerprint(first))

      await rename(join(folder, 'data2'), join(folder, 'data'))
      await shows(port, second)
    })

    it('are read again for each name', async () => {
      const named = await createCertificate(['a.test'])
      await write(named)
      const { port } = await serveFiles({ certificates: [first, files] })
      const renewed = await createCertificate(['a.test'])
      await write(renewed)

      while (await servedFingerprint(port, { servername: 'a.test' }) !== fingerprint(renewed)) {
        // until it is
      }

      expect(await servedFingerprint(port)).to.equal(fingerprint(first))
    })

    it('lose no connection and no byte when they are replaced under load', async function () {
      this.timeout(20_000)

      await write(first)
      const { server, port, channels, errors, failures } = await serveFiles()
      const loaded = await Promise.all(Array.from({ length: 8 }, async () => open(server.addresses[0], { tls })))
      const stop = new AbortController()
      const streams = loaded.map(async channel => numbers(channel, stop.signal))
      const dials = (async () => {
        for (let i = 0; i < DIALS; i++) {
          // OpenSSL does not find the right one of two authorities with one name
          const channel = await open(server.addresses[0], { tls: { rejectUnauthorized: false } })
          expect(await exchange(channel, `${i}`)).to.equal(`${i}`)
        }
      })()

      for (const certificate of [second, first, second]) {
        await write(certificate)
        await shows(port, certificate)
      }

      await dials
      const before = channels.map(({ bytesIn }) => bytesIn)
      await Promise.all(loaded.map(async (_, i) => { await grows(channels[i], before[i]) }))
      stop.abort()

      for (const received of await Promise.all(streams)) {
        expect(received).to.deep.equal(received.map((_, i) => i))
      }

      expect(server.channels).to.equal(8 + DIALS)
      expect(errors).to.be.empty()
      expect(failures.filter(({ stage }) => stage !== 'request')).to.be.empty()
    })
  })

  describe('that cannot be used', () => {
    const bad: Array<[string, () => Promise<void>, string]> = [
      ['of different pairs', async () => write({ key: first.key, cert: second.cert }), 'key values mismatch'],
      ['that are no PEM', async () => write({ key: 'a key', cert: 'a certificate' }), ''],
      ['that are empty', async () => write({ key: '', cert: '' }), ''],
      ['of which one is missing', async () => rm(files.keyFile), 'ENOENT']
    ]

    for (const [what, spoil, reason] of bad) {
      it(`refuses files ${what} at the start: it names them, and leaves nothing listening`, async () => {
        await write(first)
        await spoil()
        const port = await freePort()
        const error = await rejection(serve({ certificates: [first, files] }, `/ip4/127.0.0.1/tcp/${port}/ws`))

        expect(error).to.have.property('name', 'ListenError')
        expect(error.message).to.contain(files.keyFile).and.to.contain(files.certFile).and.to.contain(reason)
        expect(error).to.have.property('cause').that.is.an.instanceOf(Error)
        await expect(refusesTcp(port)).to.eventually.be.true()
      })

      it(`keeps the certificate that it has where new files are some ${what}, says why, and takes the next good ones`, async () => {
        await write(first)
        const { server, port, errors } = await serveFiles()
        const channel = await open(server.addresses[0], { tls })

        await spoil()
        await until(() => errors.length > 0)
        expect(errors[0]).to.have.property('name', 'ListenError')
        expect(errors[0].message).to.contain(files.certFile).and.to.contain(reason)
        expect(await servedFingerprint(port)).to.equal(fingerprint(first))

        await write(second)
        await shows(port, second)
        await expect(exchange(channel, 'opened before')).to.eventually.equal('opened before')
      })
    }

    it('refuses a pair of PEM that does not fit', async () => {
      const certificates: CertificateSource[] = [first, { key: first.key, cert: second.cert }]
      const error = await rejection(serve({ certificates }, SECURE))

      expect(error).to.have.property('name', 'ListenError')
      expect(error.message).to.contain('TLS cannot use this key and certificate')
    })

    it('leaves a shared port as it is where those of another listener cannot be used', async () => {
      const servers = new HttpServers()
      const address = `/ip4/127.0.0.1/tcp/${await freePort()}/ws/http-path`
      const { server } = await serve({ servers }, `${address}/a`)
      await write(first)

      const https = { key: first.key, cert: second.cert }

      expect(await rejection(serve({ servers, https, certificates: [files] }, `${address}/b`))).to.have.property('name', 'ListenError')
      await expect(exchange(await open(server.addresses[0]), 'plain')).to.eventually.equal('plain')
      expect(server.addresses).to.have.lengthOf(1)
      await serve({ servers, certificates: [files] }, `${address}/b`)
      await expect(exchange(await open(server.addresses[1], { tls }), 'secure')).to.eventually.equal('secure')
    })
  })
})
