import { expect } from 'aegir/chai'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { webSocketClient } from '../fixtures/peers.ts'
import { exchange, open, rawClient, rawTlsClient, serve, socketPath, upgradeRequest } from './fixtures.ts'
import type { RawClient, Served } from './fixtures.ts'
import type { HandshakeStage } from '../../src/server/index.ts'
import type { Certificate } from '../fixtures/certificate.ts'

/** Handshake timeout, ms, of tests that wait for its end. */
const SHORT = 150

/** One that no test can wait for. */
const LONG = 60_000

/** The first bytes of a TLS record that announces a ClientHello of 512 bytes. */
const HALF_HELLO = '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'

/** Longer than its client has time for. */
const SLOW_REQUEST = `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(1_000)}`

/** Send `text`, byte by byte, for as long as somebody takes it. */
async function trickle (client: RawClient, text: string): Promise<RawClient> {
  let sent = 0
  const timer = setInterval(() => {
    client.socket.write(text.charAt(sent++))
  }, 5)
  const stop = (): void => { clearInterval(timer) }
  client.socket.once('close', stop)
  cleanUp(stop)

  return client
}

describe('handshake', () => {
  let certificate: Certificate

  before(async () => {
    certificate = await createCertificate()
  })

  const serveFor = async (handshakeTimeout: number, tls: boolean): Promise<Served> => serve({ handshakeTimeout, https: tls ? certificate : undefined })

  /** One failure of this stage, and nothing else, by the time that the server has closed. */
  async function expectFailure ({ server, failed, failures, channels }: Served, stage: HandshakeStage): Promise<Error> {
    const { error } = await failed()
    await server.close()
    expect(failures.map(({ stage }) => stage)).to.deep.equal([stage])
    expect(channels).to.be.empty()

    return error
  }

  describe('that does not come to its end is ended', () => {
    const cases: Array<[name: string, stage: HandshakeStage, tls: boolean, connect: (port: number) => Promise<RawClient>]> = [
      ['a client that sends nothing', 'request', false, async port => rawClient(port)],
      ['a client that sends nothing where there is TLS', 'accept', true, async port => rawClient(port)],
      ['a request that never ends', 'request', false, async port => rawClient(port, upgradeRequest().slice(0, -2))],
      ['a request that never ends where there is TLS', 'request', true, async port => rawClient(port, upgradeRequest().slice(0, -2))],
      ['a request that comes byte by byte', 'request', false, async port => trickle(await rawClient(port), SLOW_REQUEST)],
      ['a request that comes byte by byte where there is TLS', 'request', true, async port => trickle(await rawClient(port), SLOW_REQUEST)],
      ['a TLS handshake that stops', 'tls', true, async port => rawClient(port, HALF_HELLO)],
      ['a TLS handshake that comes byte by byte', 'tls', true, async port => trickle(await rawClient(port, HALF_HELLO), '\x00'.repeat(500))],
      ['a TLS handshake without a request behind it', 'request', true, async port => rawTlsClient(port)],
      ['a TLS handshake with a request behind it that never ends', 'request', true, async port => rawTlsClient(port, upgradeRequest().slice(0, -2))],
      ['a request that comes byte by byte over TLS', 'request', true, async port => trickle(await rawTlsClient(port), SLOW_REQUEST)]
    ]

    for (const [name, stage, tls, connect] of cases) {
      it(`${name}, and counts once, in stage ${stage}`, async () => {
        const served = await serveFor(SHORT, tls)
        const client = await connect(served.port)
        await client.closed

        await expect(expectFailure(served, stage)).to.eventually.have.property('name', 'TimeoutError')
      })
    }

    it('a client on a Unix socket that sends nothing', async () => {
      const path = await socketPath()
      const served = await serve({ handshakeTimeout: SHORT }, `/unix/${encodeURIComponent(path)}/ws`)
      const client = await rawClient(path)
      await client.closed

      await expect(expectFailure(served, 'request')).to.eventually.have.property('name', 'TimeoutError')
    })
  })

  describe('that fails is answered and ended at once', () => {
    const body = 'Content-Length: 5\r\n\r\nhello'
    const cases: Array<[name: string, text: string, status: string, stage: HandshakeStage]> = [
      ['garbage', '\x00\x01garbage\xff\xfe\r\n\r\n', '400 Bad Request', 'request'],
      ['a WebSocket frame', '\x81\x85\x00\x00\x00\x00hello', '400 Bad Request', 'request'],
      ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '400 Bad Request', 'request'],
      ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n', '', 'request'],
      ['an upgrade by POST', upgradeRequest({}, 'POST / HTTP/1.1'), '405 Method Not Allowed', 'upgrade'],
      ['an upgrade by POST with a body', `${upgradeRequest({}, 'POST / HTTP/1.1').slice(0, -2)}${body}`, '405 Method Not Allowed', 'upgrade'],
      ['an unknown version', upgradeRequest({ 'Sec-WebSocket-Version': '99' }), '400 Bad Request', 'upgrade'],
      ['no version', upgradeRequest({ 'Sec-WebSocket-Version': undefined }), '400 Bad Request', 'upgrade'],
      ['no key', upgradeRequest({ 'Sec-WebSocket-Key': undefined }), '400 Bad Request', 'upgrade'],
      ['a key that is too short', upgradeRequest({ 'Sec-WebSocket-Key': 'c2hvcnQ=' }), '400 Bad Request', 'upgrade'],
      ['an upgrade to h2c', upgradeRequest({ Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings', 'HTTP2-Settings': '' }), '400 Bad Request', 'upgrade'],
      ['a list of subprotocols that is not one', upgradeRequest({ 'Sec-WebSocket-Protocol': 'a,,b' }), '400 Bad Request', 'upgrade']
    ]

    for (const [name, text, status, stage] of cases) {
      for (const kind of ['plain', 'TLS']) {
        it(`${name}, ${kind}, and counts once, in stage ${stage}`, async () => {
          const served = await serveFor(LONG, kind === 'TLS')
          const connect = kind === 'TLS' ? rawTlsClient : rawClient
          const client = await connect(served.port, text)

          expect((await client.closed).slice('HTTP/1.1 '.length).split('\r\n')[0]).to.equal(status)
          await expect(expectFailure(served, stage)).to.eventually.be.an.instanceOf(Error)
        })
      }
    }

    for (const kind of ['plain', 'TLS']) {
      it(`headers that never end, ${kind}, and counts once, in stage request`, async () => {
        const served = await serveFor(LONG, kind === 'TLS')
        const connect = kind === 'TLS' ? rawTlsClient : rawClient
        const client = await connect(served.port, `GET / HTTP/1.1\r\nCookie: ${'a'.repeat(20_000)}`)
        const answer = await client.closed

        await expect(expectFailure(served, 'request')).to.eventually.have.property('code', 'HPE_HEADER_OVERFLOW')

        // over TLS Node ends the socket before its answer has left
        if (kind === 'plain') {
          expect(answer).to.match(/^HTTP\/1\.1 431 /)
        }
      })
    }

    it('garbage that looks like TLS, and counts once, in stage tls', async () => {
      const served = await serveFor(LONG, true)
      const client = await rawClient(served.port, '\x16garbage that is no record of TLS')
      await client.closed

      await expect(expectFailure(served, 'tls')).to.eventually.have.property('code').that.contain('SSL')
    })

    it('TLS where there is none, and counts once, in stage request', async () => {
      const served = await serveFor(LONG, false)

      await expect(rawTlsClient(served.port)).to.eventually.be.rejected()
      await expect(expectFailure(served, 'request')).to.eventually.have.property('code').that.contain('HPE_')
    })

    for (const [stage, text, tls] of [['request', '', false], ['request', 'GET /', false], ['accept', '', true], ['tls', HALF_HELLO, true]] as const) {
      for (const end of ['end', 'resetAndDestroy'] as const) {
        it(`a client that leaves (${end}) after ${text.length} bytes, and counts once, in stage ${stage}`, async () => {
          const served = await serveFor(LONG, tls)
          const client = await rawClient(served.port, text)
          await served.connected(1)
          client.socket[end]()
          await client.closed

          await expect(expectFailure(served, stage)).to.eventually.be.an.instanceOf(Error)
        })
      }
    }

    it('a reset right behind the request, and counts once, in stage upgrade', async () => {
      const served = await serveFor(LONG, false)
      const client = await rawClient(served.port)
      await served.connected(1)
      client.socket.write(upgradeRequest())
      client.socket.resetAndDestroy()

      await expectFailure(served, 'upgrade')
    })
  })

  describe('of plain HTTP', () => {
    for (const [name, text] of [
      ['GET', 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n'],
      ['GET of HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n'],
      ['POST with a body that never ends', 'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n']
    ]) {
      it(`${name} gets a page that says what this is, and is no failure`, async () => {
        const { port, server, failures } = await serveFor(LONG, false)
        const client = await rawClient(port, text)
        const answer = await client.closed

        expect(answer).to.match(/^HTTP\/1\.1 426 Upgrade Required\r\n/)
        expect(answer).to.match(/\r\nUpgrade: websocket\r\n/i)
        expect(answer).to.contain('WebSocket server')
        await server.close()
        expect(failures).to.be.empty()
      })
    }

    it('gets the answer of `onrequest`, where there is one, and 500 where that throws or rejects', async () => {
      const { port, server, failures } = await serve({
        onrequest: ({ url }, response) => {
          if (url === '/throw') {
            throw new Error('not today')
          }

          if (url === '/reject') {
            return Promise.reject(new Error('not today'))
          }

          response.end(`this is ${url}`)
        }
      })
      const ask = async (path: string): Promise<string> => (await rawClient(port, `GET ${path} HTTP/1.0\r\n\r\n`)).closed

      expect(await ask('/page')).to.match(/^HTTP\/1\.1 200 OK\r\n[^]*this is \/page$/)
      expect(await ask('/throw')).to.match(/^HTTP\/1\.1 500 /)
      expect(await ask('/reject')).to.match(/^HTTP\/1\.1 500 /)
      await server.close()
      expect(failures).to.be.empty()
    })

    it('a GET over TLS gets the page too', async () => {
      const { port } = await serveFor(LONG, true)
      const client = await rawTlsClient(port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')

      expect(await client.closed).to.match(/^HTTP\/1\.1 426 /)
    })
  })

  describe('that is done', () => {
    for (const [name, tls] of [['plain', false], ['TLS', true]] as const) {
      it(`is not ended by the handshake timeout, ${name}`, async () => {
        const { server, port, failed, failures } = await serveFor(SHORT, tls)
        const url = `${tls ? 'wss' : 'ws'}://localhost:${port}`
        const theirs = await webSocketClient(url, { rejectUnauthorized: false })
        const ours = await open(server.addresses[tls ? 1 : 0], { tls: { rejectUnauthorized: false } })

        // one that came later is out of time, so they would be too
        const late = await rawClient(port)
        await late.closed
        await failed()

        await expect(exchange(ours, 'still here')).to.eventually.equal('still here')
        expect(theirs.readyState).to.equal(theirs.OPEN)
        expect(failures).to.have.lengthOf(1)
        expect(server.channels).to.equal(2)
      })

      it(`keeps what came with the request, ${name}`, async () => {
        const { port } = await serveFor(LONG, tls)
        const connect = tls ? rawTlsClient : rawClient
        const client = await connect(port, `${upgradeRequest()}\x81\x85\x00\x00\x00\x00hello`)

        await client.receives('\x81\x05hello')
      })
    }
  })
})
