import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { parseAddress, toUrl } from '../../src/address/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { socketClosed, tcpPeer, webSocketPeer } from '../fixtures/peers.ts'
import { read } from '../fixtures/streams.ts'
import { connect, createBench } from '../fixtures/transport.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { AddressInfo, LookupFunction } from 'node:net'
import type { ProgressEvent } from 'progress-events'

const PEER_ID = '12D3KooWGAMTAgTwVGpxgCFQxjhAP3ikUg5nJzwLPZtmZGhNoGKx'

/** An address on which nobody listens. */
async function vacantAddress (): Promise<Multiaddr> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')

  return multiaddr(`/ip4/127.0.0.1/tcp/${port}/ws`)
}

/** The peer's address under another name. */
function withHost (address: Multiaddr, host: string): Multiaddr {
  return multiaddr(`${address}`.replace('/ip4/127.0.0.1', host))
}

describe('dial', () => {
  it('keeps the address with its peer id as remoteAddr', async () => {
    const peer = await webSocketPeer()
    const address = peer.address.encapsulate(`/p2p/${PEER_ID}`)
    const outbound = await createBench().dial(address)

    expect(`${outbound.remoteAddr}`).to.equal(`${address}`)
    expect(outbound.direction).to.equal('outbound')
  })

  it('rejects with a ConnectionFailedError that names address, stage and cause when nobody listens', async () => {
    const address = await vacantAddress()
    const err = await expect(createBench().dial(address)).to.eventually.be.rejected()

    expect(err).to.be.an('error').that.includes({ name: 'ConnectionFailedError', stage: 'connect', address: `${address}` })
    expect(err.cause).to.have.property('code', 'ECONNREFUSED')
  })

  it('names the status of a server that refuses', async () => {
    const { address } = await webSocketPeer({ verifyClient: (_, answer) => { answer(false, 403) } })
    const err = await expect(createBench().dial(address)).to.eventually.be.rejected()

    expect(err).to.include({ name: 'ConnectionFailedError', stage: 'upgrade' })
    expect(err.cause).to.include({ name: 'UpgradeRejectedError', status: 403 })
  })

  it('rejects with an InvalidMultiaddrError an address that is no WebSocket', async () => {
    await expect(createBench().dial(multiaddr('/ip4/127.0.0.1/tcp/1'))).to.eventually.be.rejected()
      .with.property('name', 'InvalidMultiaddrError')
  })

  it('rejects with an AbortError, and opens no socket, when its signal has fired already', async () => {
    const peer = await tcpPeer()
    await expect(createBench().dial(peer.address, { signal: AbortSignal.abort() })).to.eventually.be.rejected()
      .with.property('name', 'AbortError')

    // connections are accepted in order: this one would come second
    await expect(createBench({ handshakeTimeout: 20 }).dial(peer.address)).to.eventually.be.rejected()
    expect(peer.sockets).to.have.lengthOf(1)
  })

  it('ends the TCP connection when its signal fires in the handshake', async () => {
    const peer = await tcpPeer()
    const controller = new AbortController()
    const dialled = createBench().dial(peer.address, { signal: controller.signal })
    const ended = socketClosed(await peer.accept())
    controller.abort()

    await expect(dialled).to.eventually.be.rejected().with.property('name', 'AbortError')
    await ended
  })

  it('gives up after handshakeTimeout, and ends the TCP connection', async () => {
    const peer = await tcpPeer()
    const dialled = createBench({ handshakeTimeout: 50 }).dial(peer.address)
    const ended = peer.accept().then(socketClosed)

    await expect(dialled).to.eventually.be.rejectedWith(/upgrade/).with.property('name', 'TimeoutError')
    await ended
  })

  it('ends the TCP connection of every upgrade that fails', async () => {
    const peer = await webSocketPeer()
    const bench = createBench()
    bench.upgrader.upgradeOutbound = async () => { throw new Error('not you') }

    for (let i = 0; i < 5; i++) {
      const ended = peer.accept().then(async ({ socket }) => once(socket, 'close'))
      await expect(bench.dial(peer.address)).to.eventually.be.rejectedWith('not you')
      await ended
    }
  })

  it('does not use the global WebSocket or its dispatcher', async () => {
    const peer = await webSocketPeer()
    const global = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket') ?? {}
    cleanUp(() => { Object.defineProperty(globalThis, 'WebSocket', global) })
    Object.defineProperty(globalThis, 'WebSocket', {
      ...global,
      value: class { constructor () { throw new Error('the application has changed this one') } }
    })

    await createBench().dial(peer.address)
  })

  it('sends headers', async () => {
    const peer = await webSocketPeer()
    const [{ request }] = await Promise.all([peer.accept(), createBench({ headers: { Authorization: 'Bearer me' } }).dial(peer.address)])

    expect(request.headers).to.have.property('authorization', 'Bearer me')
  })

  it('goes through proxy, or that of proxyEnv', async () => {
    const peer = await tcpPeer()
    const proxy = `http://127.0.0.1:${peer.address.getComponents()[1].value}`

    for (const init of [{ proxy }, { proxyEnv: { ALL_PROXY: proxy } }]) {
      const asked = peer.accept().then(async socket => once(socket, 'data'))
      const dialled = createBench({ ...init, handshakeTimeout: 200 }).dial(multiaddr('/dns4/nowhere.invalid/tcp/80/ws'))

      await expect(dialled).to.eventually.be.rejectedWith(/proxy not done/).with.property('name', 'TimeoutError')
      expect(`${await asked}`).to.match(/^CONNECT nowhere\.invalid:80 /)
    }
  })

  it('connects as tcp says', async () => {
    const peer = await webSocketPeer()
    const lookup: LookupFunction = (name, options, callback) => { callback(null, '127.0.0.1', 4) }
    const [{ request }] = await Promise.all([
      peer.accept(),
      createBench({ tcp: { lookup, localAddress: '127.0.0.5' } }).dial(withHost(peer.address, '/dns4/nowhere.invalid'))
    ])

    expect(request.socket.remoteAddress).to.equal('127.0.0.5')
  })

  it('follows maxRedirects, and keeps the address that was dialled', async () => {
    const peer = await webSocketPeer()
    const first = createHttpServer((_, response) => { response.writeHead(302, { Location: `${toUrl(parseAddress(peer.address))}` }).end() }).listen(0, '127.0.0.1')
    await once(first, 'listening')
    cleanUp(() => {
      first.closeAllConnections()
      first.close()
    })
    const address = multiaddr(`/ip4/127.0.0.1/tcp/${(first.address() as AddressInfo).port}/ws`)

    expect(`${(await createBench({ maxRedirects: 1 }).dial(address)).remoteAddr}`).to.equal(`${address}`)
    await expect(createBench().dial(address)).to.eventually.be.rejected.with.nested.property('cause.status', 302)
  })

  it('reports each stage as it begins', async () => {
    const certificate = await createCertificate()
    const peer = await webSocketPeer({}, certificate)
    const events: string[] = []
    await createBench({ tls: { ca: certificate.cert } }).dial(withHost(peer.address, '/dns4/localhost'), {
      onProgress: ({ type }: ProgressEvent) => { events.push(type) }
    })

    expect(events).to.deep.equal([
      'websockets:open-connection',
      'websockets:resolve',
      'websockets:connect',
      'websockets:tls',
      'websockets:upgrade'
    ])
  })

  it('counts connections, errors with their stage, and aborts', async () => {
    const peer = await webSocketPeer()
    const bench = createBench()
    await bench.dial(peer.address)
    await expect(bench.dial(await vacantAddress())).to.eventually.be.rejected()
    await expect(bench.dial(peer.address, { signal: AbortSignal.abort() })).to.eventually.be.rejected()

    expect(bench.metrics.read('libp2p_websockets_dialer_events_total')).to.deep.equal({ connect: 1, error: 1, abort: 1 })
    expect(bench.metrics.read('libp2p_websockets_handshake_failures_total')).to.deep.equal({ outbound_connect: 1 })
  })

  it('counts bytes of open and closed connections', async () => {
    const { bench, listener, inbound, outbound } = await connect()
    outbound.send(new Uint8Array(1_000))
    await read(inbound, 1_000)
    expect(bench.metrics.read('libp2p_websockets_bytes_total')).to.deep.equal({ in: 1_000, out: 1_000 })

    await outbound.close()
    const [next] = await Promise.all([bench.upgrader.inbound(), bench.dial(listener.getAddrs()[0])])
    next.send(new Uint8Array(1))

    expect(bench.metrics.read('libp2p_websockets_bytes_total')).to.deep.equal({ in: 1_000, out: 1_001 })
  })
})

describe('dial: TLS', () => {
  it('accepts a certificate of an authority in tls.ca', async () => {
    const certificate = await createCertificate()
    const { address } = await webSocketPeer({}, certificate)

    await createBench({ tls: { ca: certificate.cert } }).dial(address)
  })

  it('refuses a certificate that nobody vouches for', async () => {
    const { address } = await webSocketPeer({}, await createCertificate())
    const err = await expect(createBench().dial(address)).to.eventually.be.rejected()

    expect(err).to.include({ name: 'ConnectionFailedError', stage: 'tls' })
    expect(err.cause).to.have.property('code', 'DEPTH_ZERO_SELF_SIGNED_CERT')
  })

  it('accepts the certificate of tls.certificateHash', async () => {
    const certificate = await createCertificate()
    const { address } = await webSocketPeer({}, certificate)

    await createBench({ tls: { certificateHash: new X509Certificate(certificate.cert).fingerprint256 } }).dial(address)
  })

  it('accepts any certificate with tls.rejectUnauthorized false', async () => {
    const { address } = await webSocketPeer({}, await createCertificate())

    await createBench({ tls: { rejectUnauthorized: false } }).dial(address)
  })

  it('checks the certificate against tls.servername', async () => {
    const certificate = await createCertificate()
    const { address } = await webSocketPeer({}, certificate)

    await createBench({ tls: { ca: certificate.cert, servername: 'example.com' } }).dial(address)

    const err = await expect(createBench({ tls: { ca: certificate.cert, servername: 'other.example' } }).dial(address)).to.eventually.be.rejected()
    expect(err.cause).to.have.property('code', 'ERR_TLS_CERT_ALTNAME_INVALID')
  })

  it('connects to the IP of an address with /sni, under the name of it', async () => {
    const certificate = await createCertificate()
    const peer = await webSocketPeer({}, certificate)
    const address = multiaddr(`${peer.address}`.replace('/tls', '/tls/sni/example.com'))
    const [{ request }] = await Promise.all([
      peer.accept(),
      createBench({ tls: { ca: certificate.cert } }).dial(address)
    ])

    expect(request.socket).to.have.property('servername', 'example.com')
    expect(request.headers.host).to.match(/^example\.com:\d+$/)
  })
})

describe('dialFilter, listenFilter', () => {
  const { transport } = createBench()
  const dialAndListen = [
    '/ip4/127.0.0.1/tcp/1/ws',
    '/ip6/::1/tcp/1/wss',
    '/ip6zone/lo/ip6/::1/tcp/1/ws',
    '/dns4/example.com/tcp/1/tls/ws',
    '/ip4/127.0.0.1/tcp/1/tls/sni/example.com/ws',
    '/ip4/127.0.0.1/tcp/1/ws/http-path/a%2Fb',
    '/unix/%2Ftmp%2Fsocket/ws',
    `/ip4/127.0.0.1/tcp/1/ws/p2p/${PEER_ID}`
  ].map(text => multiaddr(text))
  const neither = [
    '/ip4/127.0.0.1/tcp/1',
    '/ip4/127.0.0.1/udp/1/quic-v1',
    '/dnsaddr/example.com',
    `/ip4/127.0.0.1/tcp/1/ws/p2p/${PEER_ID}/p2p-circuit`
  ].map(text => multiaddr(text))

  it('take what can be dialled and listened on', () => {
    expect(transport.dialFilter([...neither, ...dialAndListen])).to.deep.equal(dialAndListen)
    expect(transport.listenFilter([...dialAndListen, ...neither])).to.deep.equal(dialAndListen)
  })

  it('know that a listener names its port, and that a dial needs a real one', () => {
    const portless = multiaddr('/dns4/example.com/wss')
    const any = multiaddr('/ip4/127.0.0.1/tcp/0/ws')

    expect(transport.dialFilter([portless, any])).to.deep.equal([portless])
    expect(transport.listenFilter([portless, any])).to.deep.equal([any])
  })

  it('take an IPv6 zone because it can be dialled', async function () {
    const bench = createBench()
    const listener = await bench.listen('/ip6/::1/tcp/0/ws')
    const address = multiaddr(`${listener.getAddrs()[0]}`.replace('/ip6/', '/ip6zone/lo/ip6/'))

    await bench.dial(address)
  })
})
