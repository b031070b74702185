import { once } from 'node:events'
import { connect as tlsConnect } from 'node:tls'
import { expect } from 'aegir/chai'
import { formatAddress } from '../../src/address/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { exchange, open, rawClient, rejection, serve, socketPath, upgradeRequest } from './fixtures.ts'
import { bytesOf, proxyV1, proxyV2, proxyV2From } from './proxy-headers.ts'
import type { RawClient } from './fixtures.ts'
import type { ListenOptions } from '../../src/server/index.ts'

/** The address that a client gets which sends these headers, and before them `prefix`. */
async function remoteOf (options: ListenOptions, headers: Record<string, string>, prefix = ''): Promise<string> {
  const { port, accepted } = await serve(options)
  const { socket } = await rawClient(port, prefix + upgradeRequest(headers))
  const remote = formatAddress((await accepted()).remote).toString()

  return remote.replace(`/${socket.localPort}/`, '/ITS PORT/')
}

const ITSELF = '/ip4/127.0.0.1/tcp/ITS PORT/ws'

describe('client address', () => {
  const cases: Array<[name: string, options: ListenOptions, headers: Record<string, string>, remote: string]> = [
    ['nobody is trusted', {}, { 'X-Forwarded-For': '192.0.2.1', Forwarded: 'for=192.0.2.1', 'X-Real-IP': '192.0.2.1' }, ITSELF],
    ['another proxy is trusted', { trustProxy: '127.0.0.2' }, { 'X-Forwarded-For': '192.0.2.1' }, ITSELF],
    ['a trusted proxy names nobody', { trustProxy: '127.0.0.1' }, {}, ITSELF],
    ['a trusted proxy does not know', { trustProxy: '127.0.0.1' }, { 'X-Forwarded-For': 'unknown' }, ITSELF],
    ['a trusted proxy names it', { trustProxy: '127.0.0.0/8' }, { 'X-Forwarded-For': '192.0.2.1' }, '/ip4/192.0.2.1/tcp/0/ws'],
    ['a trusted proxy names it with its port', { trustProxy: '127.0.0.1' }, { 'X-Forwarded-For': '192.0.2.1:4711' }, '/ip4/192.0.2.1/tcp/4711/ws'],
    ['a trusted proxy names it, with IPv6', { trustProxy: '127.0.0.1' }, { 'X-Forwarded-For': '2001:DB8:0::5' }, '/ip6/2001:db8::5/tcp/0/ws'],
    ['a trusted proxy names it, with IPv4 in IPv6', { trustProxy: '127.0.0.1' }, { 'X-Forwarded-For': '::ffff:192.0.2.1' }, '/ip4/192.0.2.1/tcp/0/ws'],
    ['the client has said something too', { trustProxy: '127.0.0.1' }, { 'X-Forwarded-For': '10.0.0.1, 192.0.2.1' }, '/ip4/192.0.2.1/tcp/0/ws'],
    ['the client has said something in another line', { trustProxy: '127.0.0.1' }, { 'X-Forwarded-For': '10.0.0.1', 'x-forwarded-for': '192.0.2.1' }, '/ip4/192.0.2.1/tcp/0/ws'],
    ['the client has said something that is no address', { trustProxy: 2 }, { 'X-Forwarded-For': '<script>, 192.0.2.1' }, '/ip4/192.0.2.1/tcp/0/ws'],
    ['there are two trusted proxies', { trustProxy: ['127.0.0.1', '10.0.0.0/8'] }, { 'X-Forwarded-For': '203.0.113.9, 192.0.2.1, 10.0.0.1' }, '/ip4/192.0.2.1/tcp/0/ws'],
    ['there are two proxies in a row', { trustProxy: 2 }, { 'X-Forwarded-For': '203.0.113.9, 192.0.2.1, 10.0.0.1' }, '/ip4/192.0.2.1/tcp/0/ws'],
    ['there are fewer than two proxies in a row', { trustProxy: 2 }, { 'X-Forwarded-For': '192.0.2.1' }, '/ip4/192.0.2.1/tcp/0/ws'],
    ['a function trusts', { trustProxy: (address, hop) => hop === 0 && address === '127.0.0.1' }, { 'X-Forwarded-For': '192.0.2.1' }, '/ip4/192.0.2.1/tcp/0/ws'],
    ['a function does not trust', { trustProxy: () => false }, { 'X-Forwarded-For': '192.0.2.1' }, ITSELF],
    ['it is in another header', { trustProxy: '127.0.0.1' }, { Forwarded: 'for=192.0.2.1', 'X-Real-IP': '192.0.2.1' }, ITSELF],
    ['it is in Forwarded', { trustProxy: '127.0.0.1', forwardedHeader: 'forwarded' }, { Forwarded: 'for=10.0.0.1, for="[2001:db8::5]:4711";proto=https', 'X-Forwarded-For': '192.0.2.1' }, '/ip6/2001:db8::5/tcp/4711/ws'],
    ['it is in X-Real-IP', { trustProxy: '127.0.0.1', forwardedHeader: 'x-real-ip' }, { 'X-Real-IP': '192.0.2.1', 'X-Forwarded-For': '192.0.2.2' }, '/ip4/192.0.2.1/tcp/0/ws']
  ]

  for (const [name, options, headers, remote] of cases) {
    it(`is ${remote} where ${name}`, async () => {
      expect(await remoteOf(options, headers)).to.equal(remote)
    })
  }

  it('is what verify sees', async () => {
    const seen: string[] = []
    await remoteOf({ trustProxy: 1, verify: (_, { remote }) => { seen.push(remote.host) } }, { 'X-Forwarded-For': '192.0.2.1' })

    expect(seen).to.deep.equal(['192.0.2.1'])
  })

  it('comes through TLS', async () => {
    const { server, accepted } = await serve({ https: await createCertificate(), trustProxy: 1 })
    await open(server.addresses[1], { headers: { 'X-Forwarded-For': '192.0.2.1' }, tls: { rejectUnauthorized: false } })

    expect(formatAddress((await accepted()).remote).toString()).to.equal('/ip4/192.0.2.1/tcp/0/tls/ws')
  })

  for (const [name, trustProxy, remote] of [['unix', 'unix', '192.0.2.1'], ['one proxy', 1, '192.0.2.1'], ['no Unix socket', '127.0.0.1', '']] as const) {
    it(`of a proxy that comes by a Unix socket is ${remote === '' ? 'the socket' : remote} where ${name} is trusted`, async () => {
      const { server, accepted } = await serve({ trustProxy }, `/unix/${encodeURIComponent(await socketPath())}/ws`)
      await open(server.addresses[0], { headers: { 'X-Forwarded-For': '192.0.2.1' } })

      expect((await accepted()).remote.host).to.equal(remote)
    })
  }

  it('in a Forwarded header that is malformed is answered with 400', async () => {
    const { server, failed } = await serve({ trustProxy: 1, forwardedHeader: 'forwarded' })
    const error = await rejection(open(server.addresses[0], { headers: { Forwarded: 'for="192.0.2.1' } }))

    expect(error).to.have.nested.property('cause.status', 400)
    await expect(failed()).to.eventually.have.nested.property('error.name', 'InvalidMessageError')
  })

  it('is answered with 500 where a function throws, and the server serves on', async () => {
    let bugs = 1
    const { server } = await serve({
      trustProxy: () => {
        if (bugs-- > 0) {
          throw new Error('a bug')
        }

        return false
      }
    })

    await expect(rejection(open(server.addresses[0]))).to.eventually.have.nested.property('cause.status', 500)
    await expect(exchange(await open(server.addresses[0]), 'served')).to.eventually.equal('served')
  })

  describe('in a PROXY header', () => {
    const proxied: ListenOptions = { trustProxy: '127.0.0.1', proxyProtocol: true }

    for (const [name, prefix, remote] of [
      ['of version 1', proxyV1('192.0.2.1', 4711), '/ip4/192.0.2.1/tcp/4711/ws'],
      ['of version 1, IPv6', proxyV1('2001:db8::5', 4711), '/ip6/2001:db8::5/tcp/4711/ws'],
      ['of version 2', proxyV2From([192, 0, 2, 1], 4711), '/ip4/192.0.2.1/tcp/4711/ws'],
      ['that names none, version 1', 'PROXY UNKNOWN\r\n', ITSELF],
      ['that names none, version 2', proxyV2(0x20, 0, []), ITSELF]
    ] as const) {
      it(`${name} is ${remote}`, async () => {
        expect(await remoteOf(proxied, {}, prefix)).to.equal(remote)
      })
    }

    it('is believed before the headers of the client behind it', async () => {
      expect(await remoteOf(proxied, { 'X-Forwarded-For': '10.0.0.1' }, proxyV1('192.0.2.1', 1))).to.equal('/ip4/192.0.2.1/tcp/1/ws')
    })

    it('may be that of another trusted proxy, which then names its client', async () => {
      expect(await remoteOf({ ...proxied, trustProxy: 2 }, { 'X-Forwarded-For': '203.0.113.9, 192.0.2.1' }, proxyV1('10.0.0.1', 1))).to.equal('/ip4/192.0.2.1/tcp/0/ws')
    })

    it('comes before TLS', async () => {
      const { port, accepted } = await serve({ ...proxied, https: await createCertificate() })
      const client = await rawClient(port, proxyV2From([192, 0, 2, 1], 4711))
      const secure = tlsConnect({ socket: client.socket, rejectUnauthorized: false })
      secure.on('error', () => {})
      await once(secure, 'secureConnect')
      secure.write(upgradeRequest())

      expect(formatAddress((await accepted()).remote).toString()).to.equal('/ip4/192.0.2.1/tcp/4711/tls/ws')
    })

    it('may come byte by byte, and loses nothing behind it', async () => {
      for (const header of [proxyV1('192.0.2.1', 4711), proxyV2From([192, 0, 2, 1], 4711, [4, 0, 3, 1, 2, 3])]) {
        const { port, accepted } = await serve(proxied)
        const client = await rawClient(port)
        client.socket.setNoDelay()

        for (const byte of bytesOf(`${header}${upgradeRequest()}\x81\x85\x00\x00\x00\x00hello`)) {
          await new Promise(resolve => client.socket.write(Buffer.from([byte]), resolve))
        }

        await client.receives('\x81\x05hello')
        expect((await accepted()).remote.host).to.equal('192.0.2.1')
      }
    })

    for (const [name, text] of [
      ['missing', upgradeRequest()],
      ['malformed', `PROXY TCP4 evil\r\n${upgradeRequest()}`],
      ['oversized', proxyV2(0x21, 0x11, new Uint8Array(5_000))],
      ['endless', `PROXY ${'x'.repeat(100_000)}`]
    ] as const) {
      it(`that is ${name} ends the socket without an answer, in stage proxy, and the server serves on`, async () => {
        const { port, failed, failures, server, channels } = await serve({ ...proxied, closeTimeout: 50 })
        const bad = await rawClient(port, text)

        expect(await bad.closed).to.equal('')
        await expect(failed()).to.eventually.have.nested.property('error.name', 'InvalidMessageError')
        expect(failures.map(({ stage }) => stage)).to.deep.equal(['proxy'])
        const good = await rawClient(port, proxyV1('192.0.2.1', 1) + upgradeRequest())
        await good.receives('101')
        await server.close()
        expect(channels).to.have.lengthOf(1)
      })
    }

    for (const leave of ['end', 'resetAndDestroy'] as const) {
      it(`that ends in its midst (${leave}) is a failure in stage proxy`, async () => {
        const { port, failed, connected } = await serve(proxied)
        const client = await rawClient(port, 'PROXY TCP4 ')
        await connected(1)
        client.socket[leave]()

        expect(await failed()).to.have.property('stage', 'proxy')
      })
    }

    it('that does not come is given up after the handshake timeout', async () => {
      const { port, failed } = await serve({ ...proxied, handshakeTimeout: 100 })
      await rawClient(port, 'PROXY')

      const { stage, error } = await failed()
      expect([stage, error.name]).to.deep.equal(['proxy', 'TimeoutError'])
    })

    it('from elsewhere is no request', async () => {
      const { port, failed } = await serve({ ...proxied, trustProxy: '192.0.2.200' })
      const client: RawClient = await rawClient(port, proxyV1('192.0.2.1', 1) + upgradeRequest())

      expect(await client.closed).to.match(/^HTTP\/1\.1 400 /)
      expect(await failed()).to.have.property('stage', 'request')
    })

    it('is none where proxyProtocol is not set', async () => {
      const { port } = await serve({ trustProxy: 1 })
      const client = await rawClient(port, proxyV1('192.0.2.1', 1) + upgradeRequest())

      expect(await client.closed).to.match(/^HTTP\/1\.1 400 /)
    })

    it('needs proxies that are trusted', async () => {
      await expect(rejection(serve({ proxyProtocol: true }))).to.eventually.have.property('name', 'InvalidParametersError')
    })
  })
})
