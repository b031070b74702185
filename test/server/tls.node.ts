import { connect as tlsConnect } from 'node:tls'
import { expect } from 'aegir/chai'
import { createCertificate } from '../fixtures/certificate.ts'
import { webSocketClient } from '../fixtures/peers.ts'
import { exchange, open, rawClient, rawTlsClient, rejection, serve, socketPath, upgradeRequest } from './fixtures.ts'
import { fingerprint, grows, numbers, servedFingerprint } from './load.ts'
import type { Certificate } from '../fixtures/certificate.ts'
import type { TLSSocket } from 'node:tls'

const ADDRESS = '/ip4/127.0.0.1/tcp/0'

describe('TLS', () => {
  let first: Certificate
  let second: Certificate
  let tls: { ca: string[] }

  before(async () => {
    [first, second] = await Promise.all([createCertificate(), createCertificate()])
    tls = { ca: [first.cert, second.cert] }
  })

  it('serves ws and wss on one port, told apart by the first byte', async () => {
    const { server, port, accepted } = await serve({ https: first }, `${ADDRESS}/ws`)
    expect(server.addresses.map(String)).to.deep.equal([`/ip4/127.0.0.1/tcp/${port}/ws`, `/ip4/127.0.0.1/tcp/${port}/tls/ws`])

    const [plain, secure] = server.addresses
    await expect(exchange(await open(plain), 'plain')).to.eventually.equal('plain')
    await expect(exchange(await open(secure, { tls }), 'secure')).to.eventually.equal('secure')
    expect([(await accepted(1)).remote.tls, (await accepted(2)).remote.tls]).to.deep.equal([false, true])
  })

  it('takes a request that begins with a single byte', async () => {
    const { port, connected, accepted } = await serve({ https: first }, `${ADDRESS}/ws`)
    const request = upgradeRequest()
    const client = await rawClient(port, request[0])
    await connected(1)
    client.socket.write(request.slice(1))

    await client.receives('101 Switching Protocols')
    await expect(accepted()).to.eventually.have.property('status', 'open')
  })

  it('takes the certificate from the http options where there are no https options', async () => {
    const { server } = await serve({ http: first as object }, `${ADDRESS}/tls/ws`)

    await expect(exchange(await open(server.addresses[0], { tls }), 'secure')).to.eventually.equal('secure')
  })

  it('serves a secure Unix socket', async () => {
    const { server } = await serve({ https: first }, `/unix/${encodeURIComponent(await socketPath())}/tls/ws`)

    await expect(exchange(await open(server.addresses[0], { tls: { ...tls, servername: 'localhost' } }), 'secure')).to.eventually.equal('secure')
  })

  it('refuses a plain WebSocket on a secure address with 426', async () => {
    const { server, port, failed, failures } = await serve({ https: first }, `${ADDRESS}/tls/ws`)
    expect(server.addresses.map(String)).to.deep.equal([`/ip4/127.0.0.1/tcp/${port}/tls/ws`])

    const error = await rejection(open(`/ip4/127.0.0.1/tcp/${port}/ws`))
    expect(error).to.have.nested.property('cause.status', 426)
    expect((await failed()).error.message).to.contain('426')
    await server.close()
    expect(failures.map(({ stage }) => stage)).to.deep.equal(['upgrade'])
  })

  it('agrees on http/1.1, and on nothing with a client that wants only h2', async () => {
    const { port, failed } = await serve({ https: first }, `${ADDRESS}/ws`)
    const { socket } = await rawTlsClient(port, '', { ALPNProtocols: ['h2', 'http/1.1'] })
    expect((socket as TLSSocket).alpnProtocol).to.equal('http/1.1')

    const error = await rejection(rawTlsClient(port, '', { ALPNProtocols: ['h2'] }))
    expect(error.code).to.contain('NO_APPLICATION_PROTOCOL')
    expect((await failed()).stage).to.equal('tls')
  })

  describe('setCertificate', () => {
    it('turns TLS on at the same port, while plain channels stay', async () => {
      const { server, port } = await serve({}, `${ADDRESS}/ws`)
      const plain = await open(server.addresses[0])
      const idle = await rawClient(port)

      server.setCertificate(first)
      expect(server.addresses.map(String)).to.deep.equal([`/ip4/127.0.0.1/tcp/${port}/ws`, `/ip4/127.0.0.1/tcp/${port}/tls/ws`])
      await expect(exchange(await open(server.addresses[1], { tls }), 'secure')).to.eventually.equal('secure')
      await expect(exchange(plain, 'opened before')).to.eventually.equal('opened before')
      await expect(exchange(await open(server.addresses[0]), 'opened after')).to.eventually.equal('opened after')

      idle.socket.write(upgradeRequest())
      await idle.receives('101 Switching Protocols')
    })

    it('gives new handshakes the new certificate, and loses nothing on open channels', async () => {
      const { server, port, channels } = await serve({ https: first }, `${ADDRESS}/tls/ws`)
      const loaded = await Promise.all(Array.from({ length: 8 }, async () => open(server.addresses[0], { tls: { ca: first.cert } })))
      const stop = new AbortController()
      const streams = loaded.map(async channel => numbers(channel, stop.signal))

      for (const certificate of [second, first, second]) {
        server.setCertificate(certificate)
        expect(await servedFingerprint(port)).to.equal(fingerprint(certificate))
        await expect(exchange(await open(server.addresses[0], { tls: { ca: certificate.cert } }), 'renewed')).to.eventually.equal('renewed')
      }

      const before = channels.map(({ bytesIn }) => bytesIn)
      await Promise.all(loaded.map(async (_, i) => { await grows(channels[i], before[i]) }))
      stop.abort()

      for (const received of await Promise.all(streams)) {
        expect(received).to.deep.equal(received.map((_, i) => i))
      }

      expect(server.channels).to.be.at.least(loaded.length)
    })

    it('finishes a handshake that began before it', async () => {
      const { server, port, connected, accepted } = await serve({ https: first }, `${ADDRESS}/ws`)
      const raw = await rawClient(port)
      await connected(1)
      server.setCertificate(second)

      raw.socket.removeAllListeners('data')
      const socket = tlsConnect({ socket: raw.socket, ca: second.cert, servername: 'localhost' })
      socket.on('error', () => {})
      socket.write(upgradeRequest())
      await expect(accepted()).to.eventually.have.nested.property('remote.tls', true)
      expect(socket.getPeerCertificate().fingerprint256).to.equal(fingerprint(second))
    })

    it('keeps the certificate that it has when it cannot use another', async () => {
      const { server, port } = await serve({ https: first }, `${ADDRESS}/ws`)
      const bad = [
        { key: first.key, cert: second.cert },
        { key: 'a key', cert: second.cert },
        { key: second.key, cert: '' },
        { key: '', cert: '' }
      ]

      for (const certificate of bad) {
        expect(() => { server.setCertificate(certificate) }).to.throw().with.property('name', 'ListenError')
        expect(await servedFingerprint(port)).to.equal(fingerprint(first))
      }

      server.setCertificate(second)
      expect(await servedFingerprint(port)).to.equal(fingerprint(second))
    })

    it('leaves TLS off when it cannot use the first one', async () => {
      const { server, port } = await serve({}, `${ADDRESS}/ws`)

      for (const certificate of [{ key: 'a key', cert: 'a certificate' }, { key: '', cert: '' }]) {
        expect(() => { server.setCertificate(certificate) }).to.throw().with.property('name', 'ListenError')
      }

      expect(server.addresses.map(String)).to.deep.equal([`/ip4/127.0.0.1/tcp/${port}/ws`])
      await expect(exchange(await open(server.addresses[0]), 'still plain')).to.eventually.equal('still plain')
    })

    it('keeps the other https options', async () => {
      const { server, port } = await serve({ https: { ...first, maxVersion: 'TLSv1.2' } }, `${ADDRESS}/ws`)
      server.setCertificate(second)
      const { socket } = await rawTlsClient(port)

      expect((socket as TLSSocket).getProtocol()).to.equal('TLSv1.2')
      expect((socket as TLSSocket).getPeerCertificate().fingerprint256).to.equal(fingerprint(second))
    })
  })

  it('asks for a client certificate where the https options say so', async () => {
    const { server, failed } = await serve({ https: { ...first, requestCert: true, ca: second.cert } }, `${ADDRESS}/tls/ws`)
    const channel = await open(server.addresses[0], { tls: { ...tls, key: second.key, cert: second.cert } })
    await expect(exchange(channel, 'known')).to.eventually.equal('known')

    await expect(open(server.addresses[0], { tls })).to.eventually.be.rejected()
    expect((await failed()).stage).to.equal('tls')
  })

  it('talks to ws', async () => {
    const { port } = await serve({ https: first }, `${ADDRESS}/tls/ws`)
    const socket = await webSocketClient(`wss://localhost:${port}`, { ca: first.cert })
    const message = new Promise(resolve => { socket.once('message', (data: Buffer) => { resolve(data.toString()) }) })
    socket.send('over TLS')

    await expect(message).to.eventually.equal('over TLS')
  })
})
