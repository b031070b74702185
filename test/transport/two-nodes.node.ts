import { randomBytes } from 'node:crypto'
import { webSockets as rivalWebSockets } from '@libp2p/websockets'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { pEvent } from 'p-event'
import { parseAddress } from '../../src/address/index.ts'
import { webSockets } from '../../src/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { nodeInit } from '../fixtures/node-init.ts'
import { createNode } from '../fixtures/nodes.ts'
import { tcpClient } from '../fixtures/peers.ts'
import type { TestNode } from '../fixtures/nodes.ts'
import type { Connection, Stream, StreamMessageEvent } from '@libp2p/interface'

const ANY_PORT = '/ip4/127.0.0.1/tcp/0/ws'
const SINK = '/test/sink/1.0.0'

interface Pair {
  dialer: TestNode
  listener: TestNode
  /** The dialler's end. */
  outbound: Connection
  /** The listener's end. */
  inbound: Connection
}

async function connectNodes (transport = webSockets(), address = ANY_PORT): Promise<Pair> {
  const [dialer, listener] = [await createNode(transport), await createNode(transport, [address])]
  const accepted = pEvent<'connection:open', CustomEvent<Connection>>(listener, 'connection:open')
  const outbound = await dialer.dial(listener.getMultiaddrs())

  return { dialer, listener, outbound, inbound: (await accepted).detail }
}

/** A stream from the dialler that is written to as fast as it takes, and has arrived at the other end. */
async function startWriting ({ listener, outbound }: Pair): Promise<void> {
  const { promise: arrived, resolve } = Promise.withResolvers<void>()
  await listener.handle(SINK, (stream) => {
    stream.addEventListener('message', (event: StreamMessageEvent) => { resolve() })
  })
  const stream = await outbound.newStream(SINK)
  // its end is the test
  write(stream).catch(() => {})
  await arrived
}

async function write (stream: Stream): Promise<void> {
  for (const chunk = randomBytes(65_536); stream.status === 'open';) {
    if (!stream.send(chunk)) {
      await pEvent(stream, 'drain', { rejectionEvents: ['close'] })
    }
  }
}

describe('two nodes', () => {
  it('agree on noise and yamux, and ping', async () => {
    const { dialer, outbound } = await connectNodes()

    expect(outbound).to.include({ encryption: '/noise', multiplexer: '/yamux/1.0.0' })
    expect(await dialer.services.ping.ping(outbound.remotePeer)).to.be.at.least(0)
  })

  it('echo 10 MiB', async function () {
    this.timeout(60_000)
    const { dialer, outbound } = await connectNodes()
    const data = randomBytes(10 * 1_048_576)
    const echoed = await dialer.services.echo.echo(outbound.remotePeer, data)

    expect(data.equals(echoed.subarray())).to.be.true()
  })

  it('use 500 streams at once', async function () {
    this.timeout(60_000)
    const { dialer, outbound } = await connectNodes()
    const data = randomBytes(10_000)
    const echoes = await Promise.all(Array.from({ length: 500 }, async (_, i) => {
      return dialer.services.echo.echo(outbound.remotePeer, data.subarray(i))
    }))

    expect(echoes.every((echoed, i) => data.subarray(i).equals(echoed.subarray()))).to.be.true()
  })

  it('talk over TLS', async () => {
    const certificate = await createCertificate()
    const { dialer, outbound, inbound } = await connectNodes(webSockets({ https: certificate, tls: { ca: certificate.cert } }), '/ip4/127.0.0.1/tcp/0/tls/ws')

    expect(`${outbound.remoteAddr}`).to.include('/tls/ws/p2p/')
    expect(`${inbound.remoteAddr}`).to.include('/tls/ws/p2p/')
    await dialer.services.ping.ping(outbound.remotePeer)
  })

  for (const side of ['outbound', 'inbound'] as const) {
    for (const how of ['close', 'abort'] as const) {
      it(`both see the end when the ${side} side ${how}s the connection in the middle of a write`, async () => {
        const pair = await connectNodes()
        await startWriting(pair)
        const ends = Promise.all([pEvent(pair.outbound, 'close'), pEvent(pair.inbound, 'close')])

        if (how === 'close') {
          // what is under way when its second is over is dropped
          await pair[side].close().catch(() => {})
        } else {
          pair[side].abort(new Error('enough'))
        }

        await ends
        expect(pair.dialer.getConnections()).to.be.empty()
        expect(pair.listener.getConnections()).to.be.empty()
      })
    }
  }

  it('stop, with a connection open and a client that says nothing', async () => {
    const { dialer, listener, outbound } = await connectNodes()
    const { closed } = await tcpClient(parseAddress(listener.getMultiaddrs()[0]).port)
    const end = pEvent(outbound, 'close')

    await listener.stop()
    await Promise.all([end, closed])
    await dialer.stop()
  })
})

describe('one node', () => {
  it('refuses to start with this transport and @libp2p/websockets', async () => {
    await expect(createLibp2p({ ...nodeInit(), transports: [webSockets(), rivalWebSockets()] })).to.eventually.be.rejected()
      .with.property('name', 'InvalidParametersError')
  })
})
