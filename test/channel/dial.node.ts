/** What a dial sends and to whom, where it succeeds. */
import { once } from 'node:events'
import { createServer as createHttpsServer } from 'node:https'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { WebSocketServer } from 'ws'
import { dial } from '../../src/channel/index.ts'
import { listen } from '../../src/server/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { webSocketPeer } from '../fixtures/peers.ts'
import { skip } from '../fixtures/skip.ts'
import { portOf } from './wire-pair.ts'
import type { Channel, DialOptions } from '../../src/channel/index.ts'
import type { ListenOptions } from '../../src/server/index.ts'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'

/** Dial `to(port)` of a server of ours on `at`; the request is the one that the server saw. */
async function dialled (at: string, to: (port: number) => string, options: DialOptions = {}, listenOptions: ListenOptions = {}): Promise<{ channel: Channel, accepted: Channel, request: IncomingMessage, port: number }> {
  const upgraded = Promise.withResolvers<{ accepted: Channel, request: IncomingMessage }>()
  const server = await listen(at, listenOptions, (accepted, request) => { upgraded.resolve({ accepted, request }) })
  cleanUp(async () => server.close())
  const port = portOf(server)
  const channel = await dial(to(port), options)
  cleanUp(() => { channel.abort() })

  return { channel, port, ...await upgraded.promise }
}

describe('dial', () => {
  const IP4 = '/ip4/127.0.0.1/tcp/0/ws'
  it('says where both ends are', async () => {
    const { channel, accepted, port } = await dialled(IP4, port => `ws://127.0.0.1:${port}/a?b=c`)
    const client = channel.local.port

    expect(channel.remote).to.deep.equal({ host: '127.0.0.1', family: 4, port, path: '/a?b=c', tls: false })
    expect(channel.local).to.deep.equal({ host: '127.0.0.1', family: 4, port: client, path: '/', tls: false })
    expect(accepted.remote).to.deep.equal(channel.local)
    expect(client).to.be.within(1, 65_535)
  })

  const hosts: Array<[string, string, (port: number) => string, (port: number) => string]> = [
    ['an IPv4 address', IP4, port => `/ip4/127.0.0.1/tcp/${port}/ws`, port => `127.0.0.1:${port}`],
    ['an IPv6 address', '/ip6/::1/tcp/0/ws', port => `/ip6/::1/tcp/${port}/ws`, port => `[::1]:${port}`],
    ['a name', IP4, port => `/dns4/localhost/tcp/${port}/ws`, port => `localhost:${port}`],
    ['a name of either family', IP4, port => `/dns/localhost/tcp/${port}/ws`, port => `localhost:${port}`]
  ]

  for (const [what, at, to, host] of hosts) {
    it(`names the host in the request: ${what}`, async () => {
      const { request, port } = await dialled(at, to)

      expect(request.headers.host).to.equal(host(port))
    })
  }

  it('names localhost where the server is a Unix socket', async () => {
    const path = `/unix/${encodeURIComponent(join(tmpdir(), `ws-transport-${process.pid}.dial`))}/ws`
    const { request, channel } = await dialled(path, () => path)

    expect(request.headers.host).to.equal('localhost')
    expect(channel.remote.unixPath).to.be.a('string')
  })

  it('connects to the IP address, and takes the server name for TLS and the request', async () => {
    const certificate = await createCertificate()
    const server = createHttpsServer(certificate)
    const webSockets = new WebSocketServer({ server })
    cleanUp(async () => {
      server.close()
      await once(server, 'close')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const secured = once(server, 'secureConnection') as Promise<[TLSSocket]>
    const requested = once(webSockets, 'connection')

    const channel = await dial(`/ip4/127.0.0.1/tcp/${port}/tls/sni/example.com/ws`, { tls: { ca: certificate.cert } })
    cleanUp(() => { channel.abort() })

    expect((await secured)[0]).to.have.property('servername', 'example.com')
    expect((await requested)[1].headers.host).to.equal(`example.com:${port}`)
    expect(channel.remote).to.include({ host: '127.0.0.1', serverName: 'example.com', tls: true })
  })

  it('sends the path with its query and escapes', async () => {
    const { request } = await dialled(IP4, port => `/ip4/127.0.0.1/tcp/${port}/ws/http-path/${encodeURIComponent('a%20b/c?d=%2F')}`)

    expect(request.url).to.equal('/a%20b/c?d=%2F')
  })

  it('sends headers, and offers subprotocols in order', async () => {
    const { request, channel, accepted } = await dialled(IP4, port => `ws://127.0.0.1:${port}`, {
      headers: { Authorization: 'Bearer x', Cookie: 'a=b; c=d', Host: 'other.example', Origin: 'https://example.com' },
      subprotocols: ['first', 'second']
    }, { subprotocol: 'second' })

    expect(request.headers).to.include({ authorization: 'Bearer x', cookie: 'a=b; c=d', host: 'other.example', origin: 'https://example.com', 'sec-websocket-protocol': 'first,second' })
    expect(channel.subprotocol).to.equal('second')
    expect(accepted.subprotocol).to.equal('second')
  })

  it('offers no extension', async () => {
    const { request } = await dialled(IP4, port => `ws://127.0.0.1:${port}`)

    expect(request.headers).to.not.have.property('sec-websocket-extensions')
  })

  const stages: Array<[string, string, (port: number) => string, string[]]> = [
    ['an IP address', IP4, port => `/ip4/127.0.0.1/tcp/${port}/ws`, ['connect', 'upgrade']],
    ['a name', IP4, port => `/dns4/localhost/tcp/${port}/ws`, ['resolve', 'connect', 'upgrade']],
    ['TLS to a name', '/ip4/127.0.0.1/tcp/0/tls/ws', port => `/dns4/localhost/tcp/${port}/tls/ws`, ['resolve', 'connect', 'tls', 'upgrade']],
    ['TLS to an IP address', '/ip4/127.0.0.1/tcp/0/tls/ws', port => `/ip4/127.0.0.1/tcp/${port}/wss`, ['connect', 'tls', 'upgrade']]
  ]

  for (const [what, at, to, expected] of stages) {
    it(`reports its stages in order: ${what}`, async () => {
      const certificate = await createCertificate()
      const seen: string[] = []

      await dialled(at, to, { onProgress: stage => seen.push(stage), tls: { ca: certificate.cert } }, { https: at.includes('/tls') ? certificate : undefined })

      expect(seen).to.deep.equal(expected)
    })
  }

  it('takes the zone of an IPv6 address', async function () {
    const zoned = Object.entries(networkInterfaces()).flatMap(([zone, addresses = []]) => addresses
      .filter(({ address }) => address === '::1' || address.startsWith('fe80'))
      .map(({ address }) => `/ip6zone/${zone}/ip6/${address}`))

    if (zoned.length === 0) {
      skip(this, 'this machine has no IPv6 loopback or link-local address')
    }

    for (const host of zoned) {
      const { channel, request, port } = await dialled(`${host}/tcp/0/ws`, port => `${host}/tcp/${port}/ws`)

      expect(channel.remote.zone).to.be.a('string')
      expect(request.headers.host, 'RFC 6874 section 4').to.equal(`[${channel.remote.host}]:${port}`)
    }
  })

  it('dials the port of the scheme where there is none', async () => {
    // nobody listens on these ports of this address
    await expect(dial('/ip4/127.9.9.9/ws')).to.eventually.be.rejected.with.nested.property('cause.port', 80)
    await expect(dial('/ip4/127.9.9.9/tls/ws')).to.eventually.be.rejected.with.nested.property('cause.port', 443)
  })

  it('takes a server that negotiates nothing', async () => {
    const peer = await webSocketPeer()
    const accepted = peer.accept()

    const channel = await dial(peer.address)
    cleanUp(() => { channel.abort() })

    expect((await accepted).socket.protocol).to.equal('')
    expect(channel.subprotocol).to.equal('')
    expect(channel.status).to.equal('open')
  })
})
