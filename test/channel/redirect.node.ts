/** Where redirects lead, and what goes along. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { expect } from 'aegir/chai'
import { parseAddress } from '../../src/address/index.ts'
import { redirect } from '../../src/channel/dialling/redirect.ts'
import { dial } from '../../src/channel/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { serve } from '../server/fixtures.ts'
import { failure } from './failure.ts'
import { expectFailed } from './rude.ts'
import type { Channel, DialOptions } from '../../src/channel/index.ts'
import type { Certificate } from '../fixtures/certificate.ts'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

const PEER_ID = '12D3KooWGAMTAgTwVGpxgCFQxjhAP3ikUg5nJzwLPZtmZGhNoGKx'

/** Answers every request with a redirect to what `to` says; the requests, and the port. */
async function redirecting (to: (path: string) => string, status = 302, certificate?: Certificate): Promise<{ port: number, requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = []
  const server = certificate == null ? createServer() : createSecureServer(certificate)
  server.on('request', (request, response) => {
    requests.push(request)
    response.writeHead(status, { Location: to(request.url ?? '') }).end('over there')
  })
  // without a handler for it, Node answers upgrades as if they were plain requests
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUp(() => {
    server.closeAllConnections()
    server.close()
  })

  return { port: (server.address() as AddressInfo).port, requests }
}

async function open (address: string, options: DialOptions): Promise<Channel> {
  const channel = await dial(address, options)
  cleanUp(() => { channel.abort() })

  return channel
}

describe('redirect', () => {
  const PLAIN = `/ip4/1.2.3.4/tcp/8080/ws/http-path/a%2Fb/p2p/${PEER_ID}`
  const SECURE = `/ip4/1.2.3.4/tcp/8443/tls/sni/example.com/ws/http-path/a%2Fb/p2p/${PEER_ID}`
  const cases: Array<[what: string, from: string, location: string, to: string]> = [
    ['a path', PLAIN, '/c?d=e', `/ip4/1.2.3.4/tcp/8080/ws/http-path/c%3Fd%3De/p2p/${PEER_ID}`],
    ['where it came from', SECURE, '', SECURE],
    ['a relative path', PLAIN, 'c', `/ip4/1.2.3.4/tcp/8080/ws/http-path/a%2Fc/p2p/${PEER_ID}`],
    ['another query', PLAIN, '?x', `/ip4/1.2.3.4/tcp/8080/ws/http-path/a%2Fb%3Fx/p2p/${PEER_ID}`],
    ['a fragment, which is nowhere', PLAIN, '/c#d', `/ip4/1.2.3.4/tcp/8080/ws/http-path/c/p2p/${PEER_ID}`],
    ['another host, with its path', PLAIN, 'ws://other.example:81/x/y?z', `/dns/other.example/tcp/81/ws/http-path/x%2Fy%3Fz/p2p/${PEER_ID}`],
    ['another host, whatever the scheme', PLAIN, '//other.example/x', `/dns/other.example/tcp/80/ws/http-path/x/p2p/${PEER_ID}`],
    ['the default port of ws', PLAIN, 'http://other.example', `/dns/other.example/tcp/80/ws/p2p/${PEER_ID}`],
    ['TLS and its default port', PLAIN, 'https://1.2.3.4/c', `/ip4/1.2.3.4/tcp/443/tls/ws/http-path/c/p2p/${PEER_ID}`],
    ['IPv6', PLAIN, 'wss://[::1]:1/', `/ip6/::1/tcp/1/tls/ws/p2p/${PEER_ID}`],
    ['the same server, by its name', SECURE, 'https://example.com:8443/c', `/ip4/1.2.3.4/tcp/8443/tls/sni/example.com/ws/http-path/c/p2p/${PEER_ID}`],
    ['another port of the name', SECURE, 'wss://example.com/c', `/dns/example.com/tcp/443/tls/ws/http-path/c/p2p/${PEER_ID}`],
    ['a path on a Unix socket', '/unix/%2Ftmp%2Fs/ws', '/c', '/unix/%2Ftmp%2Fs/ws/http-path/c'],
    ['a path in a zone', '/ip6zone/lo/ip6/::1/tcp/1/ws', '/c', '/ip6zone/lo/ip6/::1/tcp/1/ws/http-path/c']
  ]

  for (const [what, from, location, to] of cases) {
    it(`leads to ${what}: ${location}`, () => {
      expect(redirect(parseAddress(from), location)).to.deep.equal(parseAddress(to))
    })
  }

  for (const location of ['http://example.com:8443/', 'ws://other.example', 'ftp://other.example', 'http://[', 'wss://user:secret@other.example']) {
    it(`leads nowhere, from TLS: ${location}`, () => {
      expect(() => redirect(parseAddress(SECURE), location)).to.throw()
    })
  }
})

describe('dial with maxRedirects', () => {
  let certificate: Certificate
  before(async () => {
    certificate = await createCertificate()
  })

  for (const status of [301, 302, 303, 307, 308]) {
    it(`follows ${status}, and has the peer id and the path where it arrives`, async () => {
      const served = await serve()
      const { port, requests } = await redirecting(() => `http://localhost:${served.port}/there?a`, status)
      const stages: string[] = []
      const channel = await open(`/ip4/127.0.0.1/tcp/${port}/ws/http-path/here/p2p/${PEER_ID}`, { maxRedirects: 1, onProgress: stage => stages.push(stage) })

      expect(requests.map(({ url }) => url)).to.deep.equal(['/here'])
      expect(served.requests[0].url).to.equal('/there?a')
      expect(channel.remote).to.deep.equal({ host: 'localhost', family: 0, port: served.port, path: '/there?a', tls: false, peerId: PEER_ID })
      expect(stages).to.deep.equal(['connect', 'upgrade', 'resolve', 'connect', 'upgrade'])
    })
  }

  it('goes from ws to wss, and not back', async () => {
    const secure = await serve({ https: certificate }, '/ip4/127.0.0.1/tcp/0/tls/ws')
    const plain = await redirecting(() => `https://localhost:${secure.port}`)
    await open(`ws://127.0.0.1:${plain.port}`, { maxRedirects: 1, tls: { ca: certificate.cert } })

    const back = await redirecting(() => `ws://localhost:${plain.port}`, 302, certificate)
    const error = await failure(`wss://127.0.0.1:${back.port}`, { maxRedirects: 5, tls: { ca: certificate.cert } })
    expectFailed(error, 'upgrade')
    expect(error.cause.message).to.include('gives up TLS')
    expect(plain.requests).to.have.lengthOf(1)
  })

  it('ends where it leads in a circle', async () => {
    const { port, requests } = await redirecting(path => `${path}x`)
    const error = await failure(`ws://127.0.0.1:${port}/`, { maxRedirects: 3 })

    expect(requests.map(({ url }) => url)).to.deep.equal(['/', '/x', '/xx', '/xxx'])
    expectFailed(error, 'upgrade')
    expect(error.cause).to.have.property('status', 302)
    expect(error.message).to.include(`/tcp/${port}/ws, redirected to /ip4/127.0.0.1/tcp/${port}/ws/http-path/xxx`)
    expect(error.remedy).to.include('maxRedirects')
  })

  it('follows none by default, nor an answer that leads nowhere', async () => {
    const { port, requests } = await redirecting(() => '/there')
    expectFailed(await failure(`ws://127.0.0.1:${port}`), 'upgrade')
    expect(requests).to.have.lengthOf(1)

    for (const [to, status] of [['ftp://localhost', 302], ['/there', 200], ['/there', 304]] as const) {
      expectFailed(await failure(`ws://127.0.0.1:${(await redirecting(() => to, status)).port}`, { maxRedirects: 1 }), 'upgrade')
    }
  })

  it('says where it was led to when that fails, within the time of the dial', async () => {
    const { port } = await redirecting(() => 'ws://nowhere.invalid/')
    const error = await failure(`ws://127.0.0.1:${port}`, { maxRedirects: 1 })
    expectFailed(error, 'resolve')
    expect(error.message).to.include('redirected to /dns/nowhere.invalid')

    const endless = await redirecting(path => path)
    const late = await failure(`ws://127.0.0.1:${endless.port}`, { maxRedirects: Infinity, handshakeTimeout: 100 })
    expect(late).to.have.property('name', 'TimeoutError')
  })

  it('gives another server no credentials, and the same server all', async () => {
    const headers = { Authorization: 'Bearer me', cookie: 'a=b', Host: 'first.example', 'X-Other': 'kept' }
    const served = await serve()
    const away = await redirecting(() => `ws://127.0.0.1:${served.port}`)
    await open(`ws://127.0.0.1:${away.port}`, { maxRedirects: 1, headers })
    expect(served.requests[0].headers).to.include({ 'x-other': 'kept', host: `127.0.0.1:${served.port}` })
    expect(served.requests[0].headers).to.not.have.any.keys('authorization', 'cookie')

    const { port, requests } = await redirecting(() => '/again')
    await failure(`ws://127.0.0.1:${port}`, { maxRedirects: 1, headers })
    expect(requests[1].headers).to.include({ authorization: 'Bearer me', cookie: 'a=b', host: 'first.example', 'x-other': 'kept' })
  })

  it('shows no client certificate and asks for no servername of the first server to another', async () => {
    const served = await serve({ https: { ...certificate, requestCert: true, rejectUnauthorized: false } }, '/ip4/127.0.0.1/tcp/0/tls/ws')
    const { port } = await redirecting(() => `wss://localhost:${served.port}`, 302, certificate)
    await open(`wss://127.0.0.1:${port}`, { maxRedirects: 1, tls: { ca: certificate.cert, ...certificate, servername: 'example.com' } })

    expect((served.requests[0].socket as any).getPeerX509Certificate()).to.equal(undefined)
    expect(served.requests[0].socket).to.have.property('servername', 'localhost')
  })
})
