import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { Server as NetServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as tlsConnect } from 'node:tls'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { parseAddress } from '../../src/address/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { tcpClient, webSocketClient } from '../fixtures/peers.ts'
import { closed, read } from '../fixtures/streams.ts'
import { connect, createBench } from '../fixtures/transport.ts'
import { until } from '../fixtures/until.ts'
import type { Listener, UpgraderOptions } from '@libp2p/interface'
import type http from 'node:http'
import type { AddressInfo, ListenOptions } from 'node:net'

const ANY_PORT = '/ip4/127.0.0.1/tcp/0/ws'
const PEER_ID = '12D3KooWGAMTAgTwVGpxgCFQxjhAP3ikUg5nJzwLPZtmZGhNoGKx'
const REQUEST_LINE = 'GET / HTTP/1.1\r\n'
const REQUEST = `${REQUEST_LINE}Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`

function portOf (listener: Listener): number {
  return parseAddress(listener.getAddrs()[0]).port
}

function texts (listener: Listener): string[] {
  return listener.getAddrs().map(ma => `${ma}`)
}

/** The socket server behind the next `listen`, and what it is told. */
function captureServer (): { server?: NetServer, options?: ListenOptions } {
  const captured: { server?: NetServer, options?: ListenOptions } = {}
  const { listen } = NetServer.prototype

  cleanUp(() => { NetServer.prototype.listen = listen })
  NetServer.prototype.listen = function (this: NetServer, ...args: any[]) {
    captured.server = this
    captured.options = args[0]
    NetServer.prototype.listen = listen

    return listen.apply(this, args as any)
  } as typeof listen

  return captured
}

/** The serial number that a TLS client is shown. */
async function serialNumber (port: number): Promise<string> {
  const socket = tlsConnect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  cleanUp(() => { socket.destroy() })
  await once(socket, 'secureConnect')

  return socket.getPeerCertificate().serialNumber
}

describe('listener: addresses', () => {
  it('has none before it listens and after it is closed', async () => {
    const listener = createBench().createListener()
    expect(listener.getAddrs()).to.be.empty()

    await listener.listen(multiaddr(ANY_PORT))
    expect(listener.getAddrs()).to.have.lengthOf(1)

    await listener.close()
    expect(listener.getAddrs()).to.be.empty()
  })

  it('has the real port when it emits listening', async () => {
    const listener = createBench().createListener()
    const addresses = pEvent(listener, 'listening').then(() => texts(listener))
    await listener.listen(multiaddr(ANY_PORT))

    expect(await addresses).to.deep.equal(texts(listener))
    expect(portOf(listener)).to.be.greaterThan(0)
  })

  it('leaves out a peer id', async () => {
    const listener = await createBench().listen(`${ANY_PORT}/p2p/${PEER_ID}`)

    expect(texts(listener)).to.deep.equal([`/ip4/127.0.0.1/tcp/${portOf(listener)}/ws`])
  })

  it('expands a wildcard into the interfaces', async () => {
    const bench = createBench()
    const listener = await bench.listen('/ip4/0.0.0.0/tcp/0/ws')

    expect(texts(listener)).to.include(`/ip4/127.0.0.1/tcp/${portOf(listener)}/ws`)
    expect(texts(listener).join()).to.not.include('0.0.0.0')
    await bench.dial(listener.getAddrs()[0])
  })

  it('keeps the path, and accepts no other', async () => {
    const { bench, listener } = await connect({}, `${ANY_PORT}/http-path/a%2Fb`)
    const port = portOf(listener)

    expect(texts(listener)).to.deep.equal([`/ip4/127.0.0.1/tcp/${port}/ws/http-path/a%2Fb`])
    const err = await expect(bench.dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}/ws/http-path/a`))).to.eventually.be.rejected()
    expect(err.cause).to.have.property('status', 404)
  })

  it('accepts any path without one', async () => {
    const listener = await createBench().listen(ANY_PORT)

    await webSocketClient(`ws://127.0.0.1:${portOf(listener)}/some/path?and=query`)
  })

  it('listens on a Unix socket, which is the address of both ends', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ws-transport-'))
    cleanUp(async () => rm(folder, { recursive: true }))
    const address = `/unix/${encodeURIComponent(join(folder, 'socket'))}/ws`
    const { listener, inbound, outbound } = await connect({}, address)

    expect(texts(listener)).to.deep.equal([address])
    expect(`${inbound.remoteAddr}`).to.equal(address)
    expect(`${outbound.remoteAddr}`).to.equal(address)
  })

  it('leaves the IPv4 port of an IPv6 wildcard to others', async () => {
    const bench = createBench()
    const { port } = parseAddress((await bench.listen('/ip6/::/tcp/0/ws')).getAddrs()[0])

    await bench.listen(`/ip4/0.0.0.0/tcp/${port}/ws`)
  })

  it('gives inbound connections the address of the client', async () => {
    const { listener, bench } = await connect()
    const accepted = bench.upgrader.inbound()
    const { socket } = await tcpClient(portOf(listener), REQUEST)
    const { remoteAddr, direction } = await accepted

    expect(`${remoteAddr}`).to.equal(`/ip4/127.0.0.1/tcp/${(socket.address() as AddressInfo).port}/ws`)
    expect(direction).to.equal('inbound')
  })
})

describe('listener: listen', () => {
  it('rejects with a ListenError when the port is taken, and counts it', async () => {
    const bench = createBench()
    const address = (await bench.listen(ANY_PORT)).getAddrs()[0]
    const listener = bench.createListener()
    const err = await expect(listener.listen(address)).to.eventually.be.rejected()

    expect(err).to.have.property('name', 'ListenError')
    expect(err.cause).to.have.property('code', 'EADDRINUSE')
    expect(bench.metrics.read('libp2p_websockets_listener_errors_total')).to.deep.equal({
      [`127.0.0.1:${parseAddress(address).port} listen_error`]: 1
    })
    await listener.close()
  })

  it('rejects with an AlreadyStartedError when it listens or has been closed', async () => {
    const listener = await createBench().listen(ANY_PORT)
    await expect(listener.listen(multiaddr(ANY_PORT))).to.eventually.be.rejected().with.property('name', 'AlreadyStartedError')

    await listener.close()
    await expect(listener.listen(multiaddr(ANY_PORT))).to.eventually.be.rejected().with.property('name', 'AlreadyStartedError')
  })

  it('can be tried again after it failed', async () => {
    const bench = createBench()
    const first = await bench.listen(ANY_PORT)
    const address = first.getAddrs()[0]
    const listener = bench.createListener()
    await expect(listener.listen(address)).to.eventually.be.rejected()
    await first.close()
    await listener.listen(address)

    expect(listener.getAddrs()).to.deep.equal([address])
  })

  it('passes http options on', async () => {
    const bench = createBench({ http: { maxHeaderSize: 1_000 }, headers: { large: 'x'.repeat(2_000) } })
    const listener = await bench.listen(ANY_PORT)
    const err = await expect(bench.dial(listener.getAddrs()[0])).to.eventually.be.rejected()

    expect(err.cause).to.have.property('status', 431)
  })

  it('passes the options of its port on', async () => {
    const init = { reusePort: true, backlog: 7, healthPath: '/healthz' }
    const captured = captureServer()
    const listener = await createBench(init).listen(ANY_PORT)
    expect(captured.options).to.include({ reusePort: true, backlog: 7 })

    // another owner has the same port
    await createBench(init).listen(`${listener.getAddrs()[0]}`)
    const response = await fetch(`http://127.0.0.1:${portOf(listener)}/healthz`, { headers: { connection: 'close' } })
    await expect(response.text()).to.eventually.equal('ok\n')
  })

  it('listens on a server that was handed over', async () => {
    const server = createServer((_, response) => { response.end('the site') }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    cleanUp(() => server.close())
    const { bench, listener } = await connect({ server }, `${ANY_PORT}/http-path/libp2p`)
    expect(portOf(listener)).to.equal((server.address() as AddressInfo).port)

    await listener.close()
    expect(server.listening).to.be.true()
    await expect(bench.listen('/ip4/127.0.0.1/tcp/1/ws')).to.eventually.be.rejected().with.property('name', 'ListenError')
  })

  it('answers requests that are no upgrade with a client error', async () => {
    const listener = await createBench().listen(ANY_PORT)
    const response = await fetch(`http://127.0.0.1:${portOf(listener)}/`, { headers: { connection: 'close' } })
    await response.text()

    expect(response.status).to.be.within(400, 499)
  })

  it('reports a late failure of its socket as an error event, and goes on', async () => {
    const captured = captureServer()
    const { bench, listener } = await connect()
    const event = pEvent<'error', CustomEvent<Error>>(listener, 'error')
    const err = new Error('too many open files')
    captured.server?.emit('error', err)

    expect((await event).detail).to.equal(err)
    await bench.dial(listener.getAddrs()[0])
  })

  it('counts connections that the socket drops', async () => {
    const captured = captureServer()
    const { bench, listener } = await connect()
    Object.assign(captured.server ?? {}, { maxConnections: 1 })
    await expect(bench.dial(listener.getAddrs()[0])).to.eventually.be.rejected()

    expect(bench.metrics.read('libp2p_websockets_listener_events_total')).to.have.property(`127.0.0.1:${portOf(listener)} drop`, 1)
  })
})

describe('listener: handshakes', () => {
  for (const [client, text, stage] of [
    ['says nothing', '', 'accept|request'],
    ['sends half a request', `${REQUEST_LINE}Ho`, 'request'],
    ['sends half a TLS handshake', '\x16\x03\x01', 'tls']
  ]) {
    it(`ends a client that ${client} after handshakeTimeout, and counts its stage`, async () => {
      const bench = createBench({ handshakeTimeout: 100, https: await createCertificate() })
      const listener = await bench.listen(ANY_PORT)
      const { closed } = await tcpClient(portOf(listener), text)
      await closed

      const failures = (): string[] => Object.keys(bench.metrics.read('libp2p_websockets_handshake_failures_total'))
      await until(() => failures().length > 0)
      expect(failures()[0]).to.match(new RegExp(`^inbound_(${stage})$`))
    })
  }

  it('survives a client that resets right after its request', async () => {
    const { bench, listener } = await connect()

    for (let i = 0; i < 10; i++) {
      const { socket, closed } = await tcpClient(portOf(listener), REQUEST)
      socket.resetAndDestroy()
      await closed
    }

    await bench.dial(listener.getAddrs()[0])
  })

  it('ends the connection when its upgrade fails, and counts that', async () => {
    const bench = createBench()
    bench.upgrader.upgradeInbound = async () => { throw new Error('not you') }
    const listener = await bench.listen(ANY_PORT)
    const outbound = await bench.dial(listener.getAddrs()[0])

    expect(await closed(outbound)).to.have.nested.property('error.name', 'StreamResetError')
    expect(bench.metrics.read('libp2p_websockets_listener_errors_total')).to.deep.equal({
      [`127.0.0.1:${portOf(listener)} inbound_upgrade`]: 1
    })
  })
})

describe('listener: close', () => {
  it('emits close once, and not during the call', async () => {
    const listener = await createBench().listen(ANY_PORT)
    let events = 0
    listener.addEventListener('close', () => { events++ })
    const closing = [listener.close(), listener.close()]

    expect(events).to.equal(0)
    await Promise.all(closing)
    await listener.close()
    expect(events).to.equal(1)
  })

  it('resolves on a listener that never listened', async () => {
    const listener = createBench().createListener()
    await listener.close()
  })

  it('waits for a listen under way, and undoes it', async () => {
    const bench = createBench()
    const listener = bench.createListener()
    const listening = listener.listen(multiaddr(ANY_PORT))
    await listener.close()
    await listening

    expect(listener.getAddrs()).to.be.empty()
  })

  for (const [client, text] of [
    ['says nothing', ''],
    ['sends half a request', `${REQUEST_LINE}Ho`],
    ['sends half a TLS handshake', '\x16\x03\x01']
  ]) {
    it(`does not wait for a client that ${client}`, async () => {
      const captured = captureServer()
      const listener = await createBench({ https: await createCertificate() }).listen(ANY_PORT)
      const accepted = once(captured.server as NetServer, 'connection')
      const client = await tcpClient(portOf(listener), text)
      await accepted

      const start = performance.now()
      await Promise.all([listener.close(), client.closed])
      expect(performance.now() - start).to.be.below(1_000)
    })
  }

  it('closes connections with 1001', async () => {
    const listener = await createBench().listen(ANY_PORT)
    const socket = await webSocketClient(`ws://127.0.0.1:${portOf(listener)}`)
    const [[code]] = await Promise.all([once(socket, 'close'), listener.close()])

    expect(code).to.equal(1001)
  })

  it('ends connections to peers that do not answer after closeTimeout', async () => {
    const bench = createBench({ closeTimeout: 100 })
    const listener = await bench.listen(ANY_PORT)
    const accepted = bench.upgrader.inbound()
    const client = await tcpClient(portOf(listener), REQUEST)
    const end = closed(await accepted)

    await Promise.all([listener.close(), client.closed, end])
  })

  it('aborts upgrades under way', async () => {
    const bench = createBench()
    const upgrades: UpgraderOptions[] = []
    bench.upgrader.upgradeInbound = async (maConn, options) => {
      upgrades.push(options)
      bench.upgrader.accepted.push(maConn)
      await once(options.signal, 'abort')
      options.signal.throwIfAborted()
    }
    const listener = await bench.listen(ANY_PORT)
    // more than an event target takes without a warning
    await Promise.all(Array.from({ length: 20 }, async () => bench.dial(listener.getAddrs()[0])))
    await listener.close()

    expect(upgrades).to.have.lengthOf(20)
    expect(bench.upgrader.accepted.map(({ status }) => status)).to.deep.equal(Array(20).fill('aborted'))
  })

  it('sets the port free', async () => {
    const { bench, listener } = await connect()
    const address = listener.getAddrs()[0]
    await listener.close()
    const again = await bench.listen(`${address}`)

    await bench.dial(again.getAddrs()[0])
  })
})

describe('listener: TLS', () => {
  it('speaks ws and wss on one port with https options', async () => {
    const certificate = await createCertificate()
    const bench = createBench({ https: certificate, tls: { ca: certificate.cert } })
    const listener = await bench.listen(ANY_PORT)
    const port = portOf(listener)

    expect(texts(listener)).to.deep.equal([`/ip4/127.0.0.1/tcp/${port}/ws`, `/ip4/127.0.0.1/tcp/${port}/tls/ws`])

    for (const address of listener.getAddrs()) {
      const [inbound] = await Promise.all([bench.upgrader.inbound(), bench.dial(address)])
      expect(`${inbound.remoteAddr}`.includes('/tls/ws')).to.equal(`${address}`.includes('/tls/ws'))
    }
  })

  it('takes the certificate from http options', async () => {
    const listener = await createBench({ http: await createCertificate() as http.ServerOptions }).listen(ANY_PORT)

    expect(texts(listener)[1]).to.match(/\/tls\/ws$/)
  })

  it('speaks only wss on a secure address', async () => {
    const { bench, listener } = await connect({ https: await createCertificate(), tls: { rejectUnauthorized: false } }, '/ip4/127.0.0.1/tcp/0/tls/ws')

    expect(texts(listener)).to.deep.equal([`/ip4/127.0.0.1/tcp/${portOf(listener)}/tls/ws`])
    await expect(bench.dial(multiaddr(`/ip4/127.0.0.1/tcp/${portOf(listener)}/ws`))).to.eventually.be.rejected()
  })

  it('rejects a secure address without a certificate with a ListenError, and announces nothing', async () => {
    const listener = createBench().createListener()

    await expect(listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0/tls/ws'))).to.eventually.be.rejectedWith(/certificate/)
      .with.property('name', 'ListenError')
    expect(listener.getAddrs()).to.be.empty()
  })
})

describe('listener: AutoTLS', () => {
  it('adds wss on the same port when a certificate is provisioned, and says so', async () => {
    const certificate = await createCertificate()
    const { bench, listener, inbound, outbound } = await connect({ tls: { ca: certificate.cert } })
    const port = portOf(listener)
    const listening = pEvent(listener, 'listening')
    bench.events.safeDispatchEvent('certificate:provision', { detail: certificate })
    await listening

    expect(texts(listener)).to.deep.equal([`/ip4/127.0.0.1/tcp/${port}/ws`, `/ip4/127.0.0.1/tcp/${port}/tls/ws`])

    const [secure] = await Promise.all([bench.upgrader.inbound(), bench.dial(listener.getAddrs()[1])])
    expect(`${secure.remoteAddr}`).to.match(/\/tls\/ws$/)

    // the connection from before is still there
    outbound.send(new Uint8Array(1))
    await read(inbound, 1)
  })

  it('answers with the new certificate after a renewal, and drops no connection', async () => {
    const [old, renewed] = [await createCertificate(), await createCertificate()]
    const { bench, listener } = await connect({ tls: { rejectUnauthorized: false } })
    bench.events.safeDispatchEvent('certificate:provision', { detail: old })
    const port = portOf(listener)
    const [inbound, outbound] = await Promise.all([bench.upgrader.inbound(), bench.dial(listener.getAddrs()[1])])
    const before = await serialNumber(port)
    let listening = 0
    listener.addEventListener('listening', () => { listening++ })
    bench.events.safeDispatchEvent('certificate:renew', { detail: renewed })

    expect(await serialNumber(port)).to.not.equal(before)
    outbound.send(new Uint8Array(1))
    await read(inbound, 1)
    // its addresses are the same
    expect(listening).to.equal(0)
    expect(portOf(listener)).to.equal(port)
  })

  it('uses a provisioned certificate instead of the configured one', async () => {
    const bench = createBench({ https: await createCertificate() })
    const listener = await bench.listen('/ip4/127.0.0.1/tcp/0/tls/ws')
    const before = await serialNumber(portOf(listener))
    bench.events.safeDispatchEvent('certificate:provision', { detail: await createCertificate() })

    expect(await serialNumber(portOf(listener))).to.not.equal(before)
  })

  it('takes a certificate that comes while it starts to listen, and listens without one that TLS cannot use', async () => {
    const certificate = await createCertificate()

    for (const [detail, addresses] of [[certificate, 2], [{ key: 'no key', cert: 'no certificate' }, 1]] as const) {
      const bench = createBench()
      const listener = bench.createListener()
      const listening = listener.listen(multiaddr(ANY_PORT))
      bench.events.safeDispatchEvent('certificate:provision', { detail })
      await listening

      expect(listener.getAddrs()).to.have.lengthOf(addresses)
    }
  })

  it('reports a certificate that TLS cannot use, and keeps what it has', async () => {
    const { bench, listener } = await connect()
    const event = pEvent<'error', CustomEvent<Error>>(listener, 'error')
    bench.events.safeDispatchEvent('certificate:provision', { detail: { key: 'no key', cert: 'no certificate' } })

    expect((await event).detail).to.have.property('name', 'ListenError')
    expect(listener.getAddrs()).to.have.lengthOf(1)
    await bench.dial(listener.getAddrs()[0])
  })

  it('forgets the events of the node when it is closed, and when it cannot listen', async () => {
    const bench = createBench()
    const handlers = (): number[] => ['certificate:provision', 'certificate:renew'].map(type => bench.events.listenerCount(type))

    for (let i = 0; i < 3; i++) {
      const listener = await bench.listen(ANY_PORT)
      await expect(bench.createListener().listen(listener.getAddrs()[0])).to.eventually.be.rejected()
      expect(handlers()).to.deep.equal([1, 1])
      await listener.close()
    }

    expect(handlers()).to.deep.equal([0, 0])
  })
})

describe('listener: metrics', () => {
  it('shows open connections and whether it listens, by address', async () => {
    const { bench, listener, outbound } = await connect()
    const address = `127.0.0.1:${portOf(listener)}`
    const read = (name: string): Record<string, number> => bench.metrics.read(`libp2p_websockets_${name}`)

    expect(read('inbound_connections_total')).to.deep.equal({ [address]: 1 })
    expect(read('listener_status_info')).to.deep.equal({ [address]: 1 })
    expect(read('listener_events_total')).to.deep.equal({ [`${address} connection`]: 1 })

    await outbound.close()
    await until(() => read('inbound_connections_total')[address] === 0)

    await listener.close()
    expect(read('inbound_connections_total')).to.deep.equal({})
    expect(read('listener_status_info')).to.deep.equal({ [address]: 0 })
  })
})

describe('listener: updateAnnounceAddrs', () => {
  it('leaves the addresses as they are', async () => {
    const listener = await createBench().listen(ANY_PORT)
    const addresses = [multiaddr('/dns4/example.com/tcp/443/tls/ws')]
    listener.updateAnnounceAddrs(addresses)

    expect(addresses).to.deep.equal([multiaddr('/dns4/example.com/tcp/443/tls/ws')])
  })
})
