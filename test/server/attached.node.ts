import { once } from 'node:events'
import { createServer } from 'node:http'
import { createSecureServer as createHttp2Server } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { expect } from 'aegir/chai'
import { HttpServers } from '../../src/server/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { exchange, open, rejection, serve, socketPath } from './fixtures.ts'
import type { Server as Http, ServerResponse } from 'node:http'
import type { Server as Https } from 'node:https'
import type { AddressInfo } from 'node:net'

const PATH = '/ip4/127.0.0.1/tcp/0/ws/http-path/libp2p'

function answer (_: unknown, response: ServerResponse): void {
  response.end('the site')
}

/** Whoever runs a server closes it. */
async function start<T extends Http | Https> (server: T, target: number | string = 0): Promise<T> {
  if (typeof target === 'string') {
    server.listen(target)
  } else {
    server.listen(target, '127.0.0.1')
  }

  await once(server, 'listening')
  cleanUp(async () => {
    server.closeAllConnections()

    if (server.listening) {
      server.close()
      await once(server, 'close')
    }
  })

  return server
}

async function startHttp (): Promise<{ server: Http, port: number }> {
  const server = await start(createServer(answer))

  return { server, port: (server.address() as AddressInfo).port }
}

async function site (port: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/libp2p`, { headers: { connection: 'close' } })).text()
}

describe('a server that was handed over', () => {
  it('takes WebSockets on its path, and serves what it served before', async () => {
    const { server, port } = await startHttp()
    const served = await serve({ server }, PATH)

    expect(served.server.addresses.map(String)).to.deep.equal([`/ip4/127.0.0.1/tcp/${port}/ws/http-path/libp2p`])
    await expect(exchange(await open(served.server.addresses[0]), 'hello')).to.eventually.equal('hello')
    await expect(site(port)).to.eventually.equal('the site')
  })

  it('takes secure ones where it has TLS, and announces nothing else', async () => {
    const certificate = await createCertificate()
    const server = await start(createHttpsServer(certificate, answer))
    const { port } = server.address() as AddressInfo

    for (const layers of ['ws', 'tls/ws']) {
      const served = await serve({ server }, `/ip4/127.0.0.1/tcp/${port}/${layers}/http-path/${layers.length}`)

      expect(served.server.addresses.map(String)).to.deep.equal([`/ip4/127.0.0.1/tcp/${port}/tls/ws/http-path/${layers.length}`])
      const channel = await open(served.server.addresses[0], { tls: { ca: certificate.cert } })
      await expect(exchange(channel, 'secure')).to.eventually.equal('secure')
      expect((await served.accepted()).remote.tls).to.be.true()
    }
  })

  it('may be one of HTTP/2 that allows HTTP/1', async () => {
    const certificate = await createCertificate()
    const server = createHttp2Server({ ...certificate, allowHTTP1: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    cleanUp(() => server.close())
    const served = await serve({ server }, PATH)

    const channel = await open(served.server.addresses[0], { tls: { ca: certificate.cert } })
    await expect(exchange(channel, 'secure')).to.eventually.equal('secure')
  })

  it('may listen on a Unix socket', async () => {
    const path = await socketPath()
    const server = await start(createServer(answer), path)
    const served = await serve({ server }, `/unix/${encodeURIComponent(path)}/ws`)

    await expect(exchange(await open(served.server.addresses[0]), 'hello')).to.eventually.equal('hello')
  })

  it('has several listeners, told apart by path, with a slash behind it or not', async () => {
    const { server } = await startHttp()
    const servers = new HttpServers()
    const a = await serve({ server, servers }, `${PATH}%2Fa`)
    const b = await serve({ server, servers }, `${PATH}%2Fb%2F`)

    await expect(exchange(await open(a.server.addresses[0]), 'a')).to.eventually.equal('a')
    await expect(exchange(await open(b.server.addresses[0]), 'b')).to.eventually.equal('b')
    expect([a.channels.length, b.channels.length]).to.deep.equal([1, 1])
    await a.server.close()
    await expect(exchange(await open(b.server.addresses[0]), 'b')).to.eventually.equal('b')
    expect(await rejection(serve({ server, servers }, `${PATH}%2Fb`))).to.have.property('name', 'ListenError')
  })

  it('answers 404 on other paths where nobody else would, the root taking only its own', async () => {
    const { server, port } = await startHttp()
    const { failed } = await serve({ server }, '/ip4/127.0.0.1/tcp/0/ws')

    expect(await rejection(open(`ws://127.0.0.1:${port}/other`))).to.have.nested.property('cause.status', 404)
    expect((await failed()).stage).to.equal('upgrade')
    await expect(exchange(await open(`ws://127.0.0.1:${port}/?q`), 'root')).to.eventually.equal('root')
  })

  it('leaves other paths to the other listeners for upgrades', async () => {
    const { server, port } = await startHttp()
    server.on('upgrade', ({ url }, socket) => {
      if (url === '/other') {
        socket.end('HTTP/1.1 418 Other\r\n\r\n')
      }
    })
    const { server: ours } = await serve({ server }, PATH)

    expect(await rejection(open(`ws://127.0.0.1:${port}/other`))).to.have.nested.property('cause.status', 418)
    await expect(exchange(await open(ours.addresses[0]), 'ours')).to.eventually.equal('ours')
  })

  it('is left alone by close, which closes the channels', async () => {
    const { server, port } = await startHttp()
    const served = await serve({ server }, PATH)
    const channel = await open(served.server.addresses[0])
    await served.server.close()

    expect(await channel.closed).to.include({ code: 1001, wasClean: true })
    expect(served.server.addresses).to.be.empty()
    expect(server.listening).to.be.true()
    expect(server.listenerCount('upgrade')).to.equal(0)
    await expect(site(port)).to.eventually.equal('the site')

    const again = await serve({ server }, PATH)
    await expect(exchange(await open(again.server.addresses[0]), 'again')).to.eventually.equal('again')
  })

  it('announces nothing once it has been closed by whoever runs it', async () => {
    const { server } = await startHttp()
    const served = await serve({ server }, PATH)
    server.close()

    expect(served.server.addresses).to.be.empty()
    await served.server.close()
  })

  describe('is refused', () => {
    it('before it listens, and after it was closed', async () => {
      const server = createServer(answer)
      const before = await rejection(serve({ server }, PATH))
      await start(server)
      server.close()
      await once(server, 'close')
      const after = await rejection(serve({ server }, PATH))

      for (const error of [before, after]) {
        expect(error).to.have.property('name', 'ListenError')
        expect(error.message).to.contain('/http-path/libp2p').and.to.contain('does not listen: call its listen()')
      }

      expect(server.listenerCount('upgrade')).to.equal(0)
    })

    it('where the address has another port, or is of another kind', async () => {
      const { server, port } = await startHttp()
      const unixServer = await start(createServer(answer), await socketPath())

      for (const address of [`/ip4/127.0.0.1/tcp/${port + 1}/ws`, '/unix/%2Ftmp%2Fx/ws']) {
        const error = await rejection(serve({ server }, address))
        expect(error).to.have.property('name', 'ListenError')
        expect(error.message).to.contain(`listens on port ${port}`)
      }

      const error = await rejection(serve({ server: unixServer }, PATH))
      expect(error.message).to.contain(`use /unix/${encodeURIComponent(`${unixServer.address()}`)}/ws`)
    })

    it('for a secure address where it has no TLS, and gets no certificate', async () => {
      const { server } = await startHttp()
      const certificate = await createCertificate()
      const error = await rejection(serve({ server, https: certificate }, '/ip4/127.0.0.1/tcp/0/tls/ws'))
      expect(error).to.have.property('name', 'ListenError')
      expect(error.message).to.contain('has no TLS')

      const served = await serve({ server, https: certificate }, '/ip4/127.0.0.1/tcp/0/ws')
      expect(served.server.addresses).to.have.lengthOf(1)
      expect(() => { served.server.setCertificate(certificate) }).to.throw('business of that server').with.property('name', 'ListenError')
      await served.server.close()
      expect(server.listenerCount('upgrade')).to.equal(0)
    })
  })
})
