import { once } from 'node:events'
import { expect } from 'aegir/chai'
import { listen, HttpServers } from '../../src/server/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { exchange, freePort, open, rawClient, rawTlsClient, rejection, serve, socketPath, upgradeRequest } from './fixtures.ts'
import type { Served } from './fixtures.ts'
import type { Client, DropReason, ListenOptions, Verdict } from '../../src/server/index.ts'

/** Handshake timeout, ms, of tests that wait for its end. */
const SHORT = 150

interface Call {
  client: Client
  answer (verdict: Verdict): void
  fail (error: Error): void
}

/** A server whose hook waits for the test: `calls` has each call of it. */
async function serveAsked (options: ListenOptions = {}, address?: string): Promise<Served & { asked (count?: number): Promise<Call>, drops: DropReason[] }> {
  const calls: Array<PromiseWithResolvers<Call>> = Array.from({ length: 5 }, () => Promise.withResolvers())
  const drops: DropReason[] = []
  let count = 0
  const served = await serve({
    ondrop: reason => { drops.push(reason) },
    verify: async (_, client) => {
      const { promise, resolve, reject } = Promise.withResolvers<Verdict>()
      calls[count++].resolve({ client, answer: resolve, fail: reject })

      return promise
    },
    ...options
  }, address)

  return { ...served, drops, asked: async (count = 1) => calls[count - 1].promise }
}

describe('verify', () => {
  for (const [name, verdict] of [['nothing', undefined], ['true', true]] as const) {
    it(`accepts with ${name}, at once or later`, async () => {
      for (const verify of [() => verdict, async () => verdict]) {
        const { server } = await serve({ verify })
        await expect(exchange(await open(server.addresses[0]), 'in')).to.eventually.equal('in')
      }
    })
  }

  const refusals: Array<[string, Verdict, RegExp]> = [
    ['false', false, /^HTTP\/1\.1 403 Forbidden\r\n[^]*\r\n\r\nForbidden\n$/],
    ['a status', { status: 401 }, /^HTTP\/1\.1 401 Unauthorized\r\n/],
    ['a status without a name', { status: 499 }, /^HTTP\/1\.1 499 \r\n/],
    ['a reason', { status: 403, reason: 'Not from there' }, /^HTTP\/1\.1 403 Not from there\r\n/],
    ['headers', { status: 401, headers: { 'WWW-Authenticate': 'Bearer', connection: 'keep-alive', 'Transfer-Encoding': 'chunked' } }, /^HTTP\/1\.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Type: text\/plain\r\nContent-Length: 13\r\nConnection: close\r\n\r\n/],
    ['a body', { status: 429, headers: { 'content-type': 'application/json' }, body: '"später"' }, /\r\ncontent-type: application\/json\r\nContent-Length: 9\r\nConnection: close\r\n\r\n/],
    ['a redirect', { status: 307, headers: { Location: 'ws://example.com/' } }, /^HTTP\/1\.1 307 Temporary Redirect\r\n[^]*Location: ws:\/\/example.com\/\r\n/]
  ]

  for (const [name, verdict, answer] of refusals) {
    it(`refuses with ${name}, at once or later`, async () => {
      for (const verify of [() => verdict, async () => verdict]) {
        const drops: DropReason[] = []
        const { port, channels, failed, server } = await serve({ verify, ondrop: reason => { drops.push(reason) } })
        const client = await rawClient(port, upgradeRequest())

        expect(await client.closed).to.match(answer)
        expect(await failed()).to.have.property('stage', 'upgrade')
        await server.close()
        expect(drops).to.deep.equal(['verify'])
        expect(channels).to.be.empty()
      }
    })
  }

  const bug = new Error('a secret')

  for (const [name, verify] of [
    ['throws', () => { throw bug }],
    ['rejects', async () => { throw bug }],
    ['returns no verdict', () => 'yes' as unknown as Verdict],
    ['refuses with a status that is none', () => ({ status: 101 })],
    ['refuses with a reason that would split the answer', () => ({ status: 403, reason: 'no\r\nSet-Cookie: a=b' })],
    ['refuses with a header that would split the answer', () => ({ status: 403, headers: { a: 'b\r\nSet-Cookie: a=b' } })]
  ] satisfies Array<[string, ListenOptions['verify']]>) {
    it(`answers with 500 where it ${name}, and serves on`, async () => {
      const drops: DropReason[] = []
      const { server, port, failed } = await serve({
        verify: (request, client) => request.url === '/good' || verify(),
        ondrop: reason => { drops.push(reason) }
      })
      const client = await rawClient(port, upgradeRequest())

      expect(await client.closed).to.match(/^HTTP\/1\.1 500 /).and.not.match(/secret|cookie/i)
      expect(await failed()).to.have.property('stage', 'upgrade')
      expect(drops).to.deep.equal(['verifyError'])
      await expect(exchange(await open(`${server.addresses[0]}/http-path/good`), 'served')).to.eventually.equal('served')
    })
  }

  it('sees the request and where the client is', async () => {
    const clients: Array<[string | undefined, string | undefined, Client['remote']]> = []
    const { server, accepted } = await serve({ verify: ({ url, headers }, { remote }) => { clients.push([url, headers.origin, remote]) } })
    await open(`${server.addresses[0]}/http-path/a%3Ftoken=b`, { headers: { Origin: 'https://example.com' } })

    expect(clients).to.deep.equal([['/a?token=b', 'https://example.com', (await accepted()).remote]])
  })

  it('sees the Unix socket that the client came by', async () => {
    const path = await socketPath()
    const { server, asked } = await serveAsked({}, `/unix/${encodeURIComponent(path)}/ws`)
    const opening = open(server.addresses[0])
    const { client, answer } = await asked()
    answer(true)

    expect(client.remote).to.have.property('unixPath', path)
    await opening
  })

  for (const tls of [false, true]) {
    it(`loses nothing that comes meanwhile, with the request or behind it, ${tls ? 'TLS' : 'plain'}`, async () => {
      const { port, asked } = await serveAsked({ https: tls ? await createCertificate() : undefined })
      const client = await (tls ? rawTlsClient : rawClient)(port, `${upgradeRequest()}\x81\x85\x00\x00\x00\x00hello`)
      const { answer } = await asked()
      // a message of 100 000 bytes is more than a socket reads ahead
      client.socket.write(Buffer.concat([Buffer.from('\x82\xff\x00\x00\x00\x00\x00\x01\x86\xa0\x00\x00\x00\x00', 'latin1'), Buffer.alloc(99_995), Buffer.from('end.\n')]))
      const left = new Promise(resolve => { client.socket.write('\x81\x83\x00\x00\x00\x00bye', 'latin1', resolve) })
      await left
      answer(true)

      await client.receives('\x81\x03bye')
      expect(client.received.split('\r\n\r\n')[1]).to.equal(`\x81\x05hello\x82\x7f\x00\x00\x00\x00\x00\x01\x86\xa0${'\x00'.repeat(99_995)}end.\n\x81\x03bye`)
    })

    for (const leave of tls ? ['end', 'destroy'] as const : ['end', 'destroy', 'resetAndDestroy'] as const) {
      it(`tells by its signal that the client left (${leave}), and then its verdict means nothing, ${tls ? 'TLS' : 'plain'}`, async () => {
        const { port, server, asked, failed, drops, channels } = await serveAsked({ https: tls ? await createCertificate() : undefined })
        const client = await (tls ? rawTlsClient : rawClient)(port, upgradeRequest())
        const { client: { signal }, answer } = await asked()
        const gone = once(signal, 'abort')
        client.socket[leave]()
        await gone
        answer(false)

        expect(await failed()).to.have.property('stage', 'upgrade')
        await server.close()
        expect(drops).to.be.empty()
        expect(channels).to.be.empty()
      })
    }
  }

  it('is given up after the handshake timeout', async () => {
    const { port, asked, failed, failures, server, channels } = await serveAsked({ handshakeTimeout: SHORT })
    const client = await rawClient(port, upgradeRequest())
    const { client: { signal }, answer } = await asked()
    await once(signal, 'abort')

    expect(await client.closed).to.equal('')
    answer(true)
    await failed()
    await server.close()
    expect(failures.map(({ stage, error: { name } }) => [stage, name])).to.deep.equal([['upgrade', 'TimeoutError']])
    expect(channels).to.be.empty()
  })

  it('comes before the choice of a subprotocol; a client that is refused then is told by the signal', async () => {
    const order: string[] = []
    const { server, asked } = await serveAsked({
      subprotocol: () => {
        order.push('subprotocol')
        return false
      }
    })
    const opening = rejection(open(server.addresses[0], { subprotocols: ['a'] }))
    const { client: { signal }, answer } = await asked()
    const gone = once(signal, 'abort')
    order.push('verify')
    answer(true)

    await expect(opening).to.eventually.have.nested.property('cause.status', 400)
    await gone
    expect(order).to.deep.equal(['verify', 'subprotocol'])
  })

  it('tells by its signal that the request was no handshake after all', async () => {
    const { port, asked } = await serveAsked()
    const client = await rawClient(port, upgradeRequest({ 'Sec-WebSocket-Key': 'short' }))
    const { client: { signal }, answer } = await asked()
    const gone = once(signal, 'abort')
    answer(true)

    expect(await client.closed).to.match(/^HTTP\/1\.1 400 /)
    await gone
  })

  it('has a signal that is silent once there is a WebSocket', async () => {
    const { server, asked, accepted } = await serveAsked({ closeTimeout: 100 })
    const opening = open(server.addresses[0])
    const { client: { signal }, answer } = await asked()
    answer(true)
    const channel = await opening
    channel.abort()
    await (await accepted()).closed
    await server.close()

    expect(signal.aborted).to.be.false()
  })

  it('is of its listener: another one on the same port accepts meanwhile', async () => {
    const servers = new HttpServers()
    const port = await freePort()
    const refusing = await serve({ servers, verify: () => false }, `/ip4/127.0.0.1/tcp/${port}/ws/http-path/a`)
    const accepting = await serve({ servers }, `/ip4/127.0.0.1/tcp/${port}/ws/http-path/b`)

    await expect(rejection(open(refusing.server.addresses[0]))).to.eventually.have.nested.property('cause.status', 403)
    await expect(exchange(await open(accepting.server.addresses[0]), 'in')).to.eventually.equal('in')
  })

  it('gets no channel for a listener that closed meanwhile, though its port serves on', async () => {
    const servers = new HttpServers()
    const port = await freePort()
    const other = await listen(`/ip4/127.0.0.1/tcp/${port}/ws/http-path/other`, { servers }, () => {})
    cleanUp(async () => other.close())
    const { server, asked, channels } = await serveAsked({ servers }, `/ip4/127.0.0.1/tcp/${port}/ws`)
    const client = await rawClient(port, upgradeRequest())
    const { client: { signal }, answer } = await asked()
    const gone = once(signal, 'abort')
    await server.close()
    answer(true)

    expect(await client.closed).to.match(/^HTTP\/1\.1 503 /)
    await gone
    expect(channels).to.be.empty()
  })

  it('that never answers is bounded by the handshake timeout, also behind another request on the same socket', async () => {
    const { port, asked, failed } = await serveAsked({ handshakeTimeout: SHORT, healthPath: '/healthz' })
    const client = await rawClient(port, 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await client.receives('ok\n')
    client.socket.write(upgradeRequest())
    await asked()

    await client.closed
    expect(await failed()).to.have.nested.property('error.name', 'TimeoutError')
  })

  it('that never answers does not hold a close', async () => {
    const { server, port, asked } = await serveAsked()
    const client = await rawClient(port, upgradeRequest())
    const { client: { signal } } = await asked()
    await server.close()

    expect(signal.aborted).to.be.true()
    await client.closed
  })
})
