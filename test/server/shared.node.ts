import { expect } from 'aegir/chai'
import { HttpServers } from '../../src/server/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { webSocketClient } from '../fixtures/peers.ts'
import { exchange, freePort, open, rawClient, refusesTcp, rejection, serve, upgradeRequest } from './fixtures.ts'
import type { Served } from './fixtures.ts'
import type { ListenOptions } from '../../src/server/index.ts'
import type { Certificate } from '../fixtures/certificate.ts'

/** Answers every message with the name of its listener. */
async function named (name: string, address: string, options: ListenOptions): Promise<Served> {
  return serve(options, address, channel => {
    channel.onmessage = () => { channel.send(Buffer.from(name)) }
  })
}

describe('HttpServers', () => {
  let servers: HttpServers
  let port: number
  let certificate: Certificate

  before(async () => {
    certificate = await createCertificate()
  })

  beforeEach(async () => {
    servers = new HttpServers()
    port = await freePort()
  })

  const at = (path = '', layers = 'ws'): string => `/ip4/127.0.0.1/tcp/${port}/${layers}${path === '' ? '' : `/http-path/${encodeURIComponent(path)}`}`
  const whoAnswers = async (address: string): Promise<string> => exchange(await open(address, { tls: { ca: certificate.cert } }), 'who?')

  it('tells listeners on one port apart by path', async () => {
    const [a, b] = await Promise.all([named('a', at('a'), { servers }), named('b', at('b/c'), { servers })])

    await expect(whoAnswers(at('a'))).to.eventually.equal('a')
    await expect(whoAnswers(at('b/c'))).to.eventually.equal('b')
    expect([a.server.channels, b.server.channels]).to.deep.equal([1, 1])
    expect([a.server.addresses, b.server.addresses].map(String)).to.deep.equal([at('a'), at('b/c')])
  })

  it('tolerates a slash behind the path, on either side', async () => {
    await named('a', at('a'), { servers })
    await named('b', at('b/'), { servers })

    await expect(whoAnswers(at('a/'))).to.eventually.equal('a')
    await expect(whoAnswers(at('b'))).to.eventually.equal('b')
    await expect(whoAnswers(at('b/'))).to.eventually.equal('b')
  })

  it('ignores the query of a request', async () => {
    await named('a', at('a'), { servers })

    await expect(whoAnswers(at('a?room=/b'))).to.eventually.equal('a')
    await expect(whoAnswers(at('a/?b'))).to.eventually.equal('a')
  })

  it('finds a path that needs escapes', async () => {
    await named('a', at('über uns'), { servers })

    await expect(whoAnswers(at('über uns'))).to.eventually.equal('a')
    await expect(webSocketClient(`ws://127.0.0.1:${port}/über uns`)).to.eventually.be.ok()
  })

  it('answers 404 on a path that no listener has', async () => {
    const { failed } = await named('a', at('a'), { servers })

    for (const path of ['', 'b', 'ab', 'a/b', 'A', 'a//']) {
      const error = await rejection(open(at(path)))
      expect(error, path).to.have.nested.property('cause.status', 404)
    }

    expect((await failed()).stage).to.equal('upgrade')
    expect((await failed()).error.message).to.contain('404')
  })

  it('gives the root every path that no other listener has', async () => {
    await named('root', at(), { servers })
    await named('a', at('a'), { servers })

    for (const [path, name] of [['', 'root'], ['b', 'root'], ['a/b', 'root'], ['a', 'a'], ['a?b', 'a']]) {
      await expect(whoAnswers(at(path)), path).to.eventually.equal(name)
    }
  })

  it('refuses a second listener on a path, and leaves the first', async () => {
    await named('a', at('a'), { servers })

    for (const path of ['a', 'a/']) {
      const error = await rejection(named('b', at(path), { servers }))
      expect(error).to.have.property('name', 'ListenError')
      expect(error.message).to.contain('path /a').and.to.contain('choose another')
    }

    await expect(whoAnswers(at('a'))).to.eventually.equal('a')
  })

  it('refuses a second listener on the root', async () => {
    await named('a', at(), { servers })

    await expect(named('b', at(), { servers })).to.eventually.be.rejected.with.property('name', 'ListenError')
  })

  it('closes the port with the last listener, and ends the channels of the one that closes only', async () => {
    const a = await named('a', at('a'), { servers })
    const b = await named('b', at('b'), { servers })
    const [channelOfA, channelOfB] = [await open(at('a')), await open(at('b'))]
    await Promise.all([a.accepted(), b.accepted()])

    await a.server.close()
    expect((await channelOfA.closed).code).to.equal(1001)
    expect(a.server.addresses).to.be.empty()
    await expect(exchange(channelOfB, 'who?')).to.eventually.equal('b')
    expect(await rejection(open(at('a')))).to.have.nested.property('cause.status', 404)

    await b.server.close()
    await expect(refusesTcp(port)).to.eventually.be.true()
  })

  it('closes a listener twice without taking the port from the other', async () => {
    const a = await named('a', at('a'), { servers })
    await named('b', at('b'), { servers })
    await Promise.all([a.server.close(), a.server.close()])
    await a.server.close()

    await expect(whoAnswers(at('b'))).to.eventually.equal('b')
  })

  it('leaves what shakes hands on the port when one of its listeners closes', async () => {
    const a = await named('a', at('a'), { servers })
    await named('b', at('b'), { servers })
    const client = await rawClient(port)
    await a.connected(1)

    await a.server.close()
    client.socket.write(upgradeRequest({}, 'GET /b HTTP/1.1'))
    await client.receives('101 Switching Protocols')
  })

  it('binds the port again while its last listener still closes', async () => {
    const first = await named('first', at(), { servers, closeTimeout: 100 })
    const client = await rawClient(port, upgradeRequest())
    await first.accepted()
    const closed = first.server.close()

    await named('second', at(), { servers })
    await expect(whoAnswers(at())).to.eventually.equal('second')
    await closed
    await client.closed
    await expect(whoAnswers(at())).to.eventually.equal('second')
  })

  it('gives each listener on port 0 a port of its own', async () => {
    const [a, b] = [await serve({ servers }), await serve({ servers })]

    expect(a.port).to.not.equal(b.port)
    await a.server.close()
    await expect(exchange(await open(b.server.addresses[0]), 'here')).to.eventually.equal('here')
  })

  it('has plain and secure listeners on one port, with the certificate of either', async () => {
    await named('plain', at('plain'), { servers })
    await named('secure', at('secure', 'tls/ws'), { servers, https: certificate })

    await expect(whoAnswers(at('plain'))).to.eventually.equal('plain')
    await expect(whoAnswers(at('plain', 'tls/ws'))).to.eventually.equal('plain')
    await expect(whoAnswers(at('secure', 'tls/ws'))).to.eventually.equal('secure')
  })

  it('answers 426 to a plain WebSocket on a secure path', async () => {
    await named('plain', at('plain'), { servers })
    await named('secure', at('secure', 'tls/ws'), { servers, https: certificate })
    const error = await rejection(open(at('secure')))

    expect(error).to.have.nested.property('cause.status', 426)
    expect(error.message).to.contain('wss')
    await expect(whoAnswers(at('plain'))).to.eventually.equal('plain')
  })

  it('announces both kinds of address, as far as they are served', async () => {
    const plain = await serve({ servers }, at('plain'))
    expect(plain.server.addresses.map(String)).to.deep.equal([at('plain')])

    const secure = await serve({ servers, https: certificate }, at('secure', 'tls/ws'))
    expect(plain.server.addresses.map(String)).to.deep.equal([at('plain'), at('plain', 'tls/ws')])
    expect(secure.server.addresses.map(String)).to.deep.equal([at('secure', 'tls/ws')])
  })

  it('shares no port between the address families of a name', async () => {
    const ip4 = await serve({ servers }, `/dns4/localhost/tcp/${port}/ws/http-path/a`)
    const ip6 = await serve({ servers }, `/dns6/localhost/tcp/${port}/ws/http-path/b`).catch(error => error)

    // not every machine has an IPv6 localhost
    if (ip6 instanceof Error) {
      expect(ip6).to.have.nested.property('cause.code', 'ENOTFOUND')
    } else {
      expect(await rejection(open(`/ip6/::1/tcp/${port}/ws/http-path/a`))).to.have.nested.property('cause.status', 404)
    }

    await expect(exchange(await open(ip4.server.addresses[0]), 'undisturbed')).to.eventually.equal('undisturbed')
  })

  it('shares no port between owners', async () => {
    await serve({ servers }, at('a'))

    await expect(serve({ servers: new HttpServers() }, at('b'))).to.eventually.be.rejected.with.nested.property('cause.code', 'EADDRINUSE')
  })
})
