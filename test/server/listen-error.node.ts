import { once } from 'node:events'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { HttpServers } from '../../src/server/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { exchange, freePort, open, refusesTcp, rejection, serve } from './fixtures.ts'

describe('listen errors', () => {
  let directory: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ws-'))
    cleanUp(async () => rm(directory, { recursive: true }))
  })

  function unix (name: string): string {
    return `/unix/${encodeURIComponent(join(directory, name))}/ws`
  }

  it('says that another socket has the port', async () => {
    const { port } = await serve()
    const error = await rejection(serve({}, `/ip4/127.0.0.1/tcp/${port}/ws`))

    expect(error).to.have.property('name', 'ListenError')
    expect(error.message).to.equal(`Could not listen on /ip4/127.0.0.1/tcp/${port}/ws: another socket has it: stop that program, or choose another port`)
    expect(error).to.have.nested.property('cause.code', 'EADDRINUSE')
  })

  it('says that an address is not one of this machine', async () => {
    // RFC 5737: for documentation only
    const error = await rejection(serve({}, '/ip4/203.0.113.1/tcp/0/ws'))

    expect(error).to.have.property('name', 'ListenError')
    expect(error.message).to.contain('this machine does not have it')
    expect(error).to.have.nested.property('cause.code', 'EADDRNOTAVAIL')
  })

  it('says that a name does not resolve', async () => {
    const error = await rejection(serve({}, '/dns4/name.invalid/tcp/0/ws'))

    expect(error).to.have.property('name', 'ListenError')
    expect(error.message).to.contain('name.invalid')
    expect(error).to.have.property('cause').that.is.an.instanceOf(Error)
  })

  it('says that the directory of a Unix socket does not exist', async () => {
    const error = await rejection(serve({}, unix('missing/socket')))

    expect(error).to.have.property('name', 'ListenError')
    expect(error.message).to.contain('no such directory')
    expect(error).to.have.property('cause').that.is.an.instanceOf(Error)
  })

  it('says that the path of a Unix socket is too long', async () => {
    const error = await rejection(serve({}, unix('a'.repeat(120))))

    expect(error).to.have.property('name', 'ListenError')
    expect(error.message).to.contain('too long')
  })

  it('says that a Unix socket is in use, and leaves it to its program', async () => {
    await serve({}, unix('socket'))
    const error = await rejection(serve({}, unix('socket')))

    expect(error).to.have.property('name', 'ListenError')
    expect(error.message).to.contain('stop the program that listens on it, or delete it if none does')
    await expect(exchange(await open(unix('socket')), 'undisturbed')).to.eventually.equal('undisturbed')
  })

  it('says that a Unix socket that its program left behind is in the way', async () => {
    const abandoned = createServer().listen(join(directory, 'renamed'))
    await once(abandoned, 'listening')
    await rename(join(directory, 'renamed'), join(directory, 'socket'))
    abandoned.close()
    await once(abandoned, 'close')

    const error = await rejection(serve({}, unix('socket')))
    expect(error).to.have.property('name', 'ListenError')
    expect(error.message).to.contain('delete it')

    await rm(join(directory, 'socket'))
    await expect(serve({}, unix('socket'))).to.eventually.be.ok()
  })

  it('deletes no file that has the path of a Unix socket', async () => {
    await writeFile(join(directory, 'socket'), 'not a socket')
    const error = await rejection(serve({}, unix('socket')))

    expect(error).to.have.nested.property('cause.code', 'EADDRINUSE')
    expect(error.message).to.contain('the path exists')
  })

  it('refuses a secure address without a certificate, and leaves nothing listening', async () => {
    const port = await freePort()
    const error = await rejection(serve({}, `/ip4/127.0.0.1/tcp/${port}/tls/ws`))

    expect(error).to.have.property('name', 'ListenError')
    expect(error.message).to.contain('it needs a certificate, in the option certificates, or in https.key and https.cert')
    await expect(refusesTcp(port)).to.eventually.be.true()
  })

  describe('of the certificate', () => {
    let key: string
    let cert: string
    let otherCert: string

    before(async () => {
      ({ key, cert } = await createCertificate());
      ({ cert: otherCert } = await createCertificate())
    })

    const cases: Array<[string, () => object]> = [
      ['a key that is not one', () => ({ key: 'a key', cert })],
      ['a certificate that is not one', () => ({ key, cert: 'a certificate' })],
      ['a certificate of another key', () => ({ key, cert: otherCert })],
      ['a key without a certificate', () => ({ key })],
      ['a certificate without a key', () => ({ cert })],
      ['an empty key', () => ({ key: '', cert })]
    ]

    for (const [name, https] of cases) {
      for (const layers of ['ws', 'tls/ws']) {
        it(`refuses ${name} for /${layers}, and leaves nothing listening`, async () => {
          const port = await freePort()
          const error = await rejection(serve({ https: https() }, `/ip4/127.0.0.1/tcp/${port}/${layers}`))

          expect(error).to.have.property('name', 'ListenError')
          expect(error.message).to.contain('TLS cannot use this key and certificate')
          expect(error).to.have.property('cause').that.is.an.instanceOf(Error)
          await expect(refusesTcp(port)).to.eventually.be.true()
        })
      }
    }
  })

  it('listens where it failed once the reason is gone', async () => {
    const servers = new HttpServers()
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }

    await expect(serve({ servers }, `/ip4/127.0.0.1/tcp/${port}/ws`)).to.eventually.be.rejected.with.property('name', 'ListenError')
    other.close()
    await once(other, 'close')
    await expect(serve({ servers }, `/ip4/127.0.0.1/tcp/${port}/ws`)).to.eventually.have.property('port', port)
  })

  it('rejects every listener that waited for a shared port', async () => {
    const { port } = await serve()
    const servers = new HttpServers()
    const results = await Promise.allSettled(['a', 'b'].map(async path => serve({ servers }, `/ip4/127.0.0.1/tcp/${port}/ws/http-path/${path}`)))

    expect(results.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected'])
  })
})
