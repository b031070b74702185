import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect } from 'aegir/chai'
import { Gate, networkOf } from '../../src/server/limits.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { exchange, open, rawClient, rejection, serve, upgradeRequest } from './fixtures.ts'
import type { RawClient, Served } from './fixtures.ts'
import type { DropReason, ListenOptions } from '../../src/server/index.ts'
import type { Server } from 'node:http'

/** A server that keeps its drops. */
async function serveLimited (limits: ListenOptions['limits'], options: ListenOptions = {}): Promise<Served & { drops: DropReason[] }> {
  const drops: DropReason[] = []

  return { ...await serve({ limits, closeTimeout: 50, ondrop: reason => { drops.push(reason) }, ...options }), drops }
}

/** Whom a proxy speaks for. */
async function openFor (served: Served, address: string): Promise<RawClient> {
  return rawClient(served.port, upgradeRequest({ 'X-Forwarded-For': address }))
}

const ACCEPTED = /^HTTP\/1\.1 101 /
const TOO_MANY = /^HTTP\/1\.1 429 /

describe('limits', () => {
  it('of connections: one more is ended without an answer, and comes in when there is room', async () => {
    const served = await serveLimited({ connections: 2 })
    const first = await open(served.server.addresses[0])
    const second = await open(served.server.addresses[0])
    const third = await rawClient(served.port, upgradeRequest())

    expect(await third.closed).to.equal('')
    expect(served.drops).to.deep.equal(['connections'])
    await expect(exchange(first, 'serves those it has')).to.eventually.equal('serves those it has')
    await second.close()
    await (await served.accepted(2)).closed
    await expect(exchange(await open(served.server.addresses[0]), 'in')).to.eventually.equal('in')
  })

  it('of connections count plain HTTP', async () => {
    const served = await serveLimited({ connections: 1 })
    const client = await rawClient(served.port, 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n')
    await served.connected(1)

    expect(await (await rawClient(served.port, upgradeRequest())).closed).to.equal('')
    client.socket.destroy()
  })

  it('of pending handshakes: one more is ended; WebSockets and answered requests are not pending', async () => {
    const served = await serveLimited({ pending: 2 }, { onrequest: (_, response) => { response.end() } })
    const channel = await open(served.server.addresses[0])
    const page = await rawClient(served.port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await page.receives('200 OK')
    const slow = [await rawClient(served.port), await rawClient(served.port)]
    await served.connected(4)
    const third = await rawClient(served.port, upgradeRequest())

    expect(await third.closed).to.equal('')
    expect(served.drops).to.deep.equal(['pending'])
    await expect(exchange(channel, 'serves those it has')).to.eventually.equal('serves those it has')
    slow[0].socket.destroy()
    await served.failed()
    await expect(exchange(await open(served.server.addresses[0]), 'in')).to.eventually.equal('in')
    // what was dropped is no failure
    expect(served.failures).to.have.lengthOf(1)
  })

  it('of the rate: more in a second are ended, and the next second has room', async function () {
    // a machine that was busy for all of it has another one
    this.retries(3)

    const served = await serveLimited({ rate: 3 })
    const channel = await open(served.server.addresses[0])
    const clients = await Promise.all(Array.from({ length: 5 }, async () => rawClient(served.port)))
    await Promise.race(clients.map(async ({ closed }) => closed))
    await served.connected(3)

    while (served.drops.length < 3) {
      await Promise.race(clients.filter(({ socket }) => !socket.destroyed).map(async ({ closed }) => closed))
    }

    expect(served.drops).to.deep.equal(['rate', 'rate', 'rate'])
    await expect(exchange(channel, 'serves those it has')).to.eventually.equal('serves those it has')

    // until the second is over
    let client = await rawClient(served.port, upgradeRequest())

    while (await Promise.race([client.closed, client.receives('101')]) === '') {
      client = await rawClient(served.port, upgradeRequest())
    }
  })

  it('of connections from an address: one more is ended; other addresses come in', async () => {
    const served = await serveLimited({ connectionsPerAddress: 1 }, { trustProxy: '127.0.0.2' })
    const channel = await open(served.server.addresses[0])
    const second = await rawClient(served.port, upgradeRequest())

    expect(await second.closed).to.equal('')
    expect(served.drops).to.deep.equal(['connectionsPerAddress'])
    expect(served.failures).to.be.empty()
    channel.abort()
    await (await served.accepted()).closed
    await expect(exchange(await open(served.server.addresses[0]), 'in')).to.eventually.equal('in')
  })

  it('of connections from an address forget those over TLS too', async () => {
    const served = await serveLimited({ connectionsPerAddress: 1 }, { https: await createCertificate() })

    for (let round = 1; round <= 5; round++) {
      const channel = await open(served.server.addresses[1], { tls: { rejectUnauthorized: false } })
      expect(await (await rawClient(served.port)).closed).to.equal('')
      await channel.close()
      await (await served.accepted(round)).closed
    }

    expect(served.drops).to.have.lengthOf(5)
  })

  it('of connections from an address count the clients of a trusted proxy, and not the proxy', async () => {
    const served = await serveLimited({ connectionsPerAddress: 2 }, { trustProxy: 1 })
    const answers = []

    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.2']) {
      const client = await openFor(served, address)
      await client.receives('\r\n\r\n')
      answers.push(ACCEPTED.test(client.received) ? 'accepted' : client.received.slice(0, 'HTTP/1.1 429'.length))
    }

    expect(answers).to.deep.equal(['accepted', 'accepted', 'accepted', 'HTTP/1.1 429', 'accepted', 'HTTP/1.1 429'])
    expect(served.drops).to.deep.equal(['connectionsPerAddress', 'connectionsPerAddress'])
  })

  it('of connections from an address cannot be evaded with headers that nobody vouches for', async () => {
    const served = await serveLimited({ connectionsPerAddress: 1 })
    await (await openFor(served, '192.0.2.1')).receives('101')

    expect(await (await openFor(served, '192.0.2.2')).closed).to.equal('')
  })

  it('of connections from an address take an IPv6 network for one', async () => {
    const served = await serveLimited({ connectionsPerAddress: 1 }, { trustProxy: 1 })
    await (await openFor(served, '2001:db8:1:2::1')).receives('101')
    await (await openFor(served, '2001:db8:1:3::1')).receives('101')
    const third = await openFor(served, '2001:db8:1:2:ffff::7')

    expect(await third.closed).to.match(TOO_MANY)
  })

  it('of the rate from an address: more in a second are refused; other addresses come in', async function () {
    this.retries(3)

    const served = await serveLimited({ ratePerAddress: 1 }, { trustProxy: 1 })
    await (await openFor(served, '192.0.2.1')).receives('101')
    await (await openFor(served, '192.0.2.2')).receives('101')
    const third = await openFor(served, '192.0.2.1')

    expect(await third.closed).to.match(TOO_MANY)
    expect(served.drops).to.deep.equal(['ratePerAddress'])
  })

  it('of all kinds let through what is within them, and forget it', async () => {
    const limits = { connections: 10, connectionsPerAddress: 2, pending: 10, rate: 1_000, ratePerAddress: 1_000 }
    const served = await serveLimited(limits)

    for (let round = 1; round <= 20; round++) {
      const channel = await open(served.server.addresses[0])
      await expect(exchange(channel, `${round}`)).to.eventually.equal(`${round}`)
      await channel.close()
      await (await served.accepted(round)).closed
    }

    expect(served.drops).to.be.empty()
  })

  describe('of a server that was handed over', () => {
    const handedOver = async (): Promise<Server> => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      cleanUp(() => { server.close() })

      return server
    }

    it('are about its upgrade requests', async () => {
      const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
      const served = await serveLimited({ pending: 1 }, { server: await handedOver(), verify: async () => answered })
      const first = await rawClient(served.port, upgradeRequest())
      await rawClient(served.port)
      const second = await rawClient(served.port, upgradeRequest())

      expect(await second.closed).to.match(/^HTTP\/1\.1 503 /)
      expect(served.drops).to.deep.equal(['pending'])
      answer()
      await first.receives('101')
    })

    it('are about the clients of a trusted proxy', async () => {
      const served = await serveLimited({ connectionsPerAddress: 1 }, { server: await handedOver(), trustProxy: 1 })
      await (await openFor(served, '192.0.2.1')).receives('101')
      await (await openFor(served, '192.0.2.2')).receives('101')

      expect(await (await openFor(served, '192.0.2.1')).closed).to.match(TOO_MANY)
      expect(served.channels.map(({ remote }) => remote.host)).to.deep.equal(['192.0.2.1', '192.0.2.2'])
    })
  })

  for (const [name, limit] of [['connections', 0], ['connectionsPerAddress', -1], ['pending', 1.5], ['rate', NaN], ['ratePerAddress', '5' as unknown as number]] as const) {
    it(`refuse ${name}: ${limit}`, async () => {
      const error = await rejection(serve({ limits: { [name]: limit } }))

      expect(error).to.have.property('name', 'InvalidParametersError')
      expect(error.message).to.contain(`limits.${name}`)
    })
  }

  it('keep nothing of an address whose sockets are gone', () => {
    const gate = new Gate({ connectionsPerAddress: 1 })
    const gone = { destroyed: true } as any

    expect([1, 2, 3].map(() => gate.refusesFrom('192.0.2.1', gone))).to.deep.equal([undefined, undefined, undefined])
  })

  for (const [address, network] of [
    ['192.0.2.1', '192.0.2.1'],
    ['unix', 'unix'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['2001:db8:1:2::', '2001:db8:1:2'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0']
  ] as const) {
    it(`${address} is of ${network}`, () => {
      expect(networkOf(address)).to.equal(network)
    })
  }
})
