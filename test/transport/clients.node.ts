/** What a libp2p node makes of its clients' addresses, and of what its listeners refuse. */
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import { parseAddress } from '../../src/address/index.ts'
import { webSockets } from '../../src/index.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { nodeInit } from '../fixtures/node-init.ts'
import { createBench } from '../fixtures/transport.ts'
import type { WebSocketsInit } from '../../src/index.ts'
import type { Connection, Libp2p, MultiaddrConnection } from '@libp2p/interface'
import type { Libp2pInit } from 'libp2p'

async function createListener (init: WebSocketsInit, more: Partial<Libp2pInit>): Promise<Libp2p> {
  const node = await createLibp2p({ ...nodeInit(webSockets(init), ['/ip4/127.0.0.1/tcp/0/ws']), ...more })
  cleanUp(async () => node.stop())

  return node
}

/** A node that a proxy would say is at `address`. */
async function createDialler (address: string): Promise<Libp2p> {
  const node = await createLibp2p(nodeInit(webSockets({ headers: { 'X-Forwarded-For': address } })))
  cleanUp(async () => node.stop())

  return node
}

async function dialFrom (address: string, listener: Libp2p): Promise<Connection> {
  return (await createDialler(address)).dial(listener.getMultiaddrs())
}

describe('clients of a node', () => {
  it('are behind a trusted proxy for its connection gater, and as its connections say', async () => {
    const asked: string[] = []
    const listener = await createListener({ trustProxy: '127.0.0.1' }, {
      connectionGater: {
        denyInboundConnection: ({ remoteAddr }: MultiaddrConnection) => {
          asked.push(remoteAddr.toString())

          return asked.at(-1)?.includes('192.0.2.66') === true
        }
      }
    })
    const opened = pEvent<'connection:open', CustomEvent<Connection>>(listener, 'connection:open')
    await expect(dialFrom('192.0.2.66', listener)).to.eventually.be.rejected()
    await dialFrom('192.0.2.1', listener)

    expect((await opened).detail.remoteAddr.toString()).to.match(/^\/ip4\/192\.0\.2\.1\/tcp\/0\/ws(\/p2p\/|$)/)
    expect(asked).to.deep.equal(['/ip4/192.0.2.66/tcp/0/ws', '/ip4/192.0.2.1/tcp/0/ws'])
  })

  it('are counted one by one by its rate limit', async () => {
    const listener = await createListener({ trustProxy: '127.0.0.1' }, { connectionManager: { inboundConnectionThreshold: 1 } })
    const diallers = await Promise.all(['192.0.2.1', '192.0.2.2', '192.0.2.2'].map(createDialler))
    // all in one second: to make a node may take longer
    const dials = await Promise.allSettled(diallers.map(async dialler => dialler.dial(listener.getMultiaddrs())))

    expect(dials[0].status).to.equal('fulfilled')
    expect(dials.slice(1).map(({ status }) => status)).to.have.members(['fulfilled', 'rejected'])
  })

  it('cannot evade its deny list with a header that nobody vouches for', async () => {
    const listener = await createListener({}, { connectionManager: { deny: ['/ip4/127.0.0.1/ipcidr/32'] } })

    await expect(dialFrom('192.0.2.1', listener)).to.eventually.be.rejected()
  })

  it('that its listeners refuse are counted by reason', async () => {
    let verified = 0
    const bench = createBench({
      limits: { connectionsPerAddress: 1 },
      trustProxy: 1,
      headers: { 'X-Forwarded-For': '192.0.2.1' },
      verify: () => ++verified > 1 || { status: 401 }
    })
    const listener = await bench.listen('/ip4/127.0.0.1/tcp/0/ws')
    const [address] = listener.getAddrs()
    const { port } = parseAddress(address)

    await expect(bench.dial(address)).to.eventually.be.rejected().with.nested.property('cause.status', 401)
    await bench.dial(address)
    await expect(bench.dial(address)).to.eventually.be.rejected().with.nested.property('cause.status', 429)
    expect(bench.metrics.read('libp2p_websockets_drops_total')).to.deep.equal({ verify: 1, connectionsPerAddress: 1 })
    expect(bench.metrics.read('libp2p_websockets_listener_events_total')).to.include({ [`127.0.0.1:${port} drop`]: 2 })
  })
})
