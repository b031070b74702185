import { networkInterfaces } from 'node:os'
import { expect } from 'aegir/chai'
import { createCertificate } from '../fixtures/certificate.ts'
import { webSocketClient } from '../fixtures/peers.ts'
import { skip } from '../fixtures/skip.ts'
import { exchange, open, portOf, rawClient, rawTlsClient, refusesTcp, rejection, serve, socketPath, upgradeRequest } from './fixtures.ts'
import type { RawClient } from './fixtures.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { IncomingHttpHeaders } from 'node:http'

const interfaces = Object.entries(networkInterfaces())
  .flatMap(([name, all = []]) => all.map(one => ({ ...one, interface: name })))
const linkLocal = interfaces.find(({ address }) => address.startsWith('fe80:'))

/** Hosts of one family that others can dial. */
function hosts (family: string): string[] {
  return interfaces
    .filter(one => one.family === family && !/^(fe80:|169\.254\.)/.test(one.address))
    .map(({ address }) => address)
}

function hostsOf (addresses: Multiaddr[]): Array<string | undefined> {
  return addresses.map(ma => ma.getComponents()[0].value)
}

describe('listen', () => {
  for (const host of ['/ip4/127.0.0.1', '/ip6/::1', '/dns4/localhost', '/dns/localhost']) {
    it(`announces ${host} as given, with the port that it got`, async () => {
      const { server, port } = await serve({}, `${host}/tcp/0/ws`)

      expect(port).to.be.greaterThan(0)
      expect(server.addresses.map(String)).to.deep.equal([`${host}/tcp/${port}/ws`])
      await expect(open(server.addresses[0]).then(async channel => exchange(channel, 'to its own address'))).to.eventually.equal('to its own address')
    })
  }

  it('takes a ws: URL', async () => {
    const { server, port } = await serve({}, 'ws://127.0.0.1:0/chat')

    expect(server.addresses.map(String)).to.deep.equal([`/ip4/127.0.0.1/tcp/${port}/ws/http-path/chat`])
    await expect(webSocketClient(`ws://127.0.0.1:${port}/chat`)).to.eventually.be.ok()
  })

  it('keeps the peer id', async () => {
    const id = '12D3KooWJoZKkj3sJVB1xRy2ooBQjYdt4mTVfwuzoFtzRJhXgRf4'
    const { server, port } = await serve({}, `/ip4/127.0.0.1/tcp/0/ws/p2p/${id}`)

    expect(server.addresses.map(String)).to.deep.equal([`/ip4/127.0.0.1/tcp/${port}/ws/p2p/${id}`])
  })

  it('expands an IPv4 wildcard to the interfaces, without link-local ones', async () => {
    const { server } = await serve({}, '/ip4/0.0.0.0/tcp/0/ws/http-path/a')

    expect(hostsOf(server.addresses)).to.have.members(hosts('IPv4'))

    for (const address of server.addresses) {
      await expect(exchange(await open(address), address.toString())).to.eventually.equal(address.toString())
    }
  })

  it('expands an IPv6 wildcard to the interfaces, without link-local ones', async () => {
    const { server } = await serve({}, '/ip6/::/tcp/0/ws')

    expect(hostsOf(server.addresses)).to.have.members(hosts('IPv6'))

    for (const address of server.addresses) {
      await expect(exchange(await open(address), address.toString())).to.eventually.equal(address.toString())
    }
  })

  it('leaves the IPv4 stack alone on an IPv6 wildcard', async () => {
    const served = await serve({}, '/ip6/::/tcp/0/ws')
    // nobody listens there, or another program
    await refusesTcp(served.port)
    await open(`/ip6/::1/tcp/${served.port}/ws`)
    await served.accepted()

    expect(served.connections).to.equal(1)
  })

  it('announces a link-local address with its zone', async function () {
    if (linkLocal == null) {
      return skip(this, 'this machine has no link-local address')
    }

    const { server, port, accepted } = await serve({}, `/ip6zone/${linkLocal.interface}/ip6/${linkLocal.address}/tcp/0/ws`)

    expect(server.addresses.map(String)).to.deep.equal([`/ip6zone/${linkLocal.interface}/ip6/${linkLocal.address}/tcp/${port}/ws`])
    await expect(exchange(await open(server.addresses[0]), 'over the link')).to.eventually.equal('over the link')
    expect((await accepted()).remote).to.include({ host: linkLocal.address, family: 6 })
  })

  it('binds a name at an address of the family that its component asks for', async () => {
    const resolved = await serve({}, '/dns6/localhost/tcp/0/ws').catch(error => error)

    // not every machine has an IPv6 localhost; none may take an IPv4 one for it
    if (resolved instanceof Error) {
      expect(resolved).to.have.property('name', 'ListenError')
      expect(resolved).to.have.nested.property('cause.code', 'ENOTFOUND')
    } else {
      await expect(refusesTcp(resolved.port, '::1')).to.eventually.be.false()
    }
  })

  it('listens on a Unix socket, and removes it when it closes', async () => {
    const path = await socketPath()
    const address = `/unix/${encodeURIComponent(path)}/ws/http-path/a`
    const { server, accepted } = await serve({}, address)

    expect(server.addresses.map(String)).to.deep.equal([address])
    const channel = await open(address)
    await expect(exchange(channel, 'without a network')).to.eventually.equal('without a network')
    expect((await accepted()).remote).to.have.property('unixPath', path)

    await server.close()
    await expect(serve({}, address)).to.eventually.be.ok()
  })

  it('has no addresses once it closes', async () => {
    const { server } = await serve()
    const closed = server.close()

    expect(server.addresses).to.be.empty()
    await closed
    expect(server.addresses).to.be.empty()
  })

  it('counts the channels that are open', async () => {
    const { server, accepted, channels } = await serve()
    expect(server.channels).to.equal(0)

    const [first, second] = [await open(server.addresses[0]), await open(server.addresses[0])]
    await accepted(2)
    expect(server.channels).to.equal(2)

    await first.close()
    await channels[0].closed
    expect(server.channels).to.equal(1)

    second.abort()
    await channels[1].closed
    expect(server.channels).to.equal(0)
  })

  it('counts no socket that is not a channel', async () => {
    const { server, port, connected } = await serve()
    await rawClient(port)
    await connected(1)

    expect(server.channels).to.equal(0)
  })

  it('says where each channel is', async () => {
    const { server, port, accepted } = await serve({}, '/ip4/127.0.0.1/tcp/0/ws/http-path/a')
    const channel = await open(server.addresses[0])
    const { local, remote } = await accepted()

    expect(local).to.include({ host: '127.0.0.1', path: '/a', tls: false })
    expect(remote).to.include({ host: '127.0.0.1', family: 4, port: channel.local.port, tls: false })
    expect(channel.remote.port).to.equal(port)
    expect(portOf(server.addresses[0])).to.equal(port)
  })

  it('hands out the upgrade request', async () => {
    const { server, requests, accepted } = await serve()
    await open(server.addresses[0], { headers: { Authorization: 'Bearer of news' } })
    await accepted()

    expect(requests[0].headers).to.have.property('authorization', 'Bearer of news')
  })

  it('sends response headers, which the dialer can read', async () => {
    const { server } = await serve({ headers: { 'X-One': '1', 'Set-Cookie': 'a=b' } })
    let received: IncomingHttpHeaders = {}
    await open(server.addresses[0], { onheaders: headers => { received = headers } })

    expect(received).to.include({ 'x-one': '1', upgrade: 'websocket' }).and.to.have.deep.property('set-cookie', ['a=b'])
  })

  it('aborts a channel whose onheaders throws', async () => {
    const { server } = await serve()
    const bug = new Error('a bug')

    const channel = await open(server.addresses[0], { onheaders: () => { throw bug } })

    expect(await channel.closed).to.include({ code: 1006, error: bug })
  })

  for (const [name, value] of [['Upgrade', 'h2c'], ['sec-websocket-accept', 'x'], ['X Y', '1'], ['X-Y', 'a\r\nb: c']]) {
    it(`refuses the response header ${JSON.stringify(`${name}: ${value}`)}`, async () => {
      expect(await rejection(serve({ headers: { [name]: value } }))).to.have.property('name', 'InvalidParametersError')
    })
  }

  it('hands other requests to onrequest', async () => {
    const { port, server } = await serve({
      onrequest: (request, response) => { response.end(`this is ${request.url}`) }
    })
    const response = await fetch(`http://127.0.0.1:${port}/index.html`, { headers: { Connection: 'close' } })

    await expect(response.text()).to.eventually.equal('this is /index.html')
    await expect(exchange(await open(server.addresses[0]), 'served')).to.eventually.equal('served')
  })

  for (const tls of [false, true]) {
    it(`takes a request without target for one to / where it is told to${tls ? ', over TLS' : ''}`, async () => {
      const https = tls ? await createCertificate() : undefined
      const [strict, lenient] = [await serve({ https }), await serve({ https, emptyTarget: true })]
      const ask = async (port: number): Promise<RawClient> => (tls ? rawTlsClient : rawClient)(port, upgradeRequest({}, 'GET  HTTP/1.1'))

      await (await ask(strict.port)).receives('400 Bad Request')
      await (await ask(lenient.port)).receives('101 Switching Protocols')
      await lenient.accepted()
      expect(lenient.requests[0].url).to.equal('/')
      await expect(exchange(await open(lenient.server.addresses[0]), 'as ever')).to.eventually.equal('as ever')
    })
  }

  it('refuses an address that cannot be listened on', async () => {
    for (const address of ['/ip4/127.0.0.1/ws', '/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws/http-path/a%3Fb', 'http://127.0.0.1:0']) {
      await expect(serve({}, address)).to.eventually.be.rejected.with.property('name', 'InvalidMultiaddrError')
    }
  })
})
