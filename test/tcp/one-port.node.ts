/** Nodes that listen for TCP, ws, wss and HTTP on one port. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { webSockets } from '../../src/index.ts'
import { HttpServers, listen } from '../../src/server/index.ts'
import { sharedTcp } from '../../src/tcp/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { delay } from '../fixtures/delay.ts'
import { nodeInit, services } from '../fixtures/node-init.ts'
import { createNode } from '../fixtures/nodes.ts'
import { skip } from '../fixtures/skip.ts'
import { echo, freePort, open, portOf, rawClient, rejection, refusesTcp, socketPath } from '../server/fixtures.ts'
import type { WebSocketsInit } from '../../src/index.ts'
import type { Certificate } from '../fixtures/certificate.ts'
import type { TestNode } from '../fixtures/nodes.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** As `@libp2p/tcp` begins: the length of a line, and the line. */
const MULTISTREAM = '\x13/multistream/1.0.0\n'

async function onePort (addresses: string[], init: WebSocketsInit = {}, order: 'tcp first' | 'tcp last' = 'tcp last'): Promise<TestNode> {
  const servers = new HttpServers()
  const transports = [webSockets({ servers, ...init }), sharedTcp(tcp(), { servers })]
  const node = await createLibp2p({ ...nodeInit(undefined, addresses), transports: order === 'tcp first' ? transports.reverse() : transports, services })
  cleanUp(async () => node.stop())

  return node
}

/** An address of its own kind: the first of a node that has no more than the parts named. */
function addressOf (node: TestNode, kind: RegExp): Multiaddr {
  const found = node.getMultiaddrs().find(ma => kind.test(`${ma}`))
  expect(found, `${kind}`).to.exist()

  return found as Multiaddr
}

const KINDS = { tcp: /\/tcp\/\d+\/p2p\/\w+$/, ws: /\/tcp\/\d+\/ws\/p2p\/\w+$/, wss: /\/tls\/ws\/p2p\/\w+$/ }

describe('TCP, ws, wss and HTTP on one port', function () {
  this.timeout(20_000)

  let certificate: Certificate

  before(async () => {
    certificate = await createCertificate()
  })

  const orders = ['tcp first', 'tcp last'] as const

  orders.forEach(order => {
    it(`all reach one node, ${order} among its transports`, async () => {
      const port = await freePort()
      const onrequest: WebSocketsInit['onrequest'] = (_, response) => { response.end('the site') }
      const node = await onePort([`/ip4/127.0.0.1/tcp/${port}`, `/ip4/127.0.0.1/tcp/${port}/ws`], { https: certificate, onrequest }, order)
      expect(node.getMultiaddrs()).to.have.lengthOf(3)

      for (const [kind, transport] of [['tcp', tcp()], ['ws', webSockets()], ['wss', webSockets({ tls: { ca: certificate.cert } })]] as const) {
        const dialer = await createNode(transport)
        const connection = await dialer.dial(addressOf(node, KINDS[kind]))
        const data = Buffer.alloc(1_000_000, kind)
        expect(await dialer.services.echo.echo(connection.remotePeer, data), kind).to.have.deep.property('byteLength', data.byteLength)
        const [inbound] = node.getConnections(dialer.peerId)
        expect(`${inbound.remoteAddr}`).to.match(new RegExp(`^/ip4/127\\.0\\.0\\.1/tcp/\\d+${{ tcp: '', ws: '/ws', wss: '/tls/ws' }[kind]}/p2p/`))
      }

      const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })
      await expect(response.text()).to.eventually.equal('the site')
    })
  })

  it('dials what it listens on, by both transports', async () => {
    const [a, b] = await Promise.all([0, 0].map(async () => {
      const port = await freePort()

      return onePort([`/ip4/127.0.0.1/tcp/${port}`, `/ip4/127.0.0.1/tcp/${port}/ws`])
    }))

    for (const kind of [KINDS.tcp, KINDS.ws]) {
      await expect(a.services.ping.ping(addressOf(b, kind))).to.eventually.be.a('number')
      await a.hangUp(b.peerId)
    }
  })

  it('share a Unix socket as well, also one for a trusted proxy', async () => {
    const path = `/unix/${encodeURIComponent(await socketPath())}`
    const node = await onePort([path, `${path}/ws`], { trustProxy: 'unix' })

    for (const [address, transport] of [[path, tcp()], [`${path}/ws`, webSockets()]] as const) {
      const dialer = await createNode(transport)
      await expect(dialer.services.ping.ping(multiaddr(address).encapsulate(`/p2p/${node.peerId}`))).to.eventually.be.a('number')
    }
  })

  it('leave TCP its own listener on ports that no WebSocket listener has, such as port 0', async () => {
    const node = await onePort(['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'])
    const [first, second] = [addressOf(node, KINDS.tcp), addressOf(node, KINDS.ws)]
    expect(portOf(first)).to.not.equal(portOf(second))

    const dialer = await createNode(tcp())
    await expect(dialer.services.ping.ping(first)).to.eventually.be.a('number')
  })

  it('close together, with all connections, and leave the port free', async () => {
    const port = await freePort()
    const node = await onePort([`/ip4/127.0.0.1/tcp/${port}`, `/ip4/127.0.0.1/tcp/${port}/ws`])
    const [byTcp, byWs] = [await createNode(tcp()), await createNode()]
    const connections = [await byTcp.dial(addressOf(node, KINDS.tcp)), await byWs.dial(addressOf(node, KINDS.ws))]
    const stalled = await rawClient(port, MULTISTREAM)
    stalled.socket.pause()
    const ends = connections.map(async connection => new Promise(resolve => { connection.addEventListener('close', resolve) }))

    await node.stop()
    stalled.socket.resume()
    await Promise.all([...ends, stalled.closed])
    await expect(refusesTcp(port)).to.eventually.be.true()
  })

  it('refuse to start where another program has the port', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    cleanUp(() => other.close())
    const { port } = other.address() as { port: number }
    const error = await rejection(onePort([`/ip4/127.0.0.1/tcp/${port}`, `/ip4/127.0.0.1/tcp/${port}/ws`]))

    expect(error.message).to.contain('another socket has it')
  })
})

describe('a port that TCP shares', () => {
  let servers: HttpServers
  let port: number
  let node: TestNode
  let address: string

  beforeEach(async () => {
    servers = new HttpServers()
    port = await freePort()
    address = `/ip4/127.0.0.1/tcp/${port}`
    const ws = await listen(`${address}/ws`, { servers, handshakeTimeout: 200 }, echo)
    cleanUp(async () => ws.close())
    node = await createLibp2p({ ...nodeInit(undefined, [address]), transports: [sharedTcp(tcp(), { servers })], services })
    cleanUp(async () => node.stop())
  })

  it('answers a client that begins with multistream-select, in pieces as well', async () => {
    const client = await rawClient(port, MULTISTREAM[0])
    // so that it comes alone
    await delay(20)
    client.socket.write(MULTISTREAM.slice(1), 'latin1')

    await client.receives('/multistream/1.0.0\n')
  })

  it('ends a client that says nothing, after handshakeTimeout', async () => {
    const client = await rawClient(port)

    await expect(client.closed).to.eventually.equal('')
  })

  const unknown = [
    ['what no protocol begins with', '\x00\x01\x02'],
    ['a TLS handshake, where there is no certificate', '\x16\x03\x01\x02\x00'],
    ['an unknown method', 'FETCH / HTTP/1.1\r\n\r\n']
  ]

  unknown.forEach(([what, text]) => {
    it(`answers ${what} with 400, and ends it`, async () => {
      const client = await rawClient(port, text)

      expect(await client.closed).to.match(/^HTTP\/1\.1 400 /)
    })
  })

  it('goes on with WebSockets when TCP stops', async () => {
    await node.stop()
    const channel = await open(`${address}/ws`)
    const client = await rawClient(port, MULTISTREAM)

    expect(await client.closed).to.match(/^HTTP\/1\.1 400 /)
    expect(channel.status).to.equal('open')
  })

  it('has one listener for TCP', async () => {
    const error = await rejection(createLibp2p({ ...nodeInit(undefined, [address]), transports: [sharedTcp(tcp(), { servers })] }))

    expect(error.message).to.contain('the port has another listener for TCP already')
    const dialer = await createNode(tcp())
    await expect(dialer.services.ping.ping(node.getMultiaddrs()[0])).to.eventually.be.a('number')
  })

  it('is an address for each interface behind a wildcard', async function () {
    const wildcard = `/ip4/0.0.0.0/tcp/${await freePort()}`
    const ws = await listen(`${wildcard}/ws`, { servers }, echo)
    cleanUp(async () => ws.close())
    const other = await createLibp2p({ ...nodeInit(undefined, [wildcard]), transports: [sharedTcp(tcp(), { servers })] })
    cleanUp(async () => other.stop())

    if (ws.addresses.length === 0) {
      skip(this, 'no interface')
    }

    expect(other.getMultiaddrs().map(ma => `${ma.decapsulate('/p2p')}/ws`)).to.have.members(ws.addresses.map(String))
  })
})
