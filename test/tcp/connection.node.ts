/** Connections over sockets that a shared port gives to TCP, without a node. */
import { defaultLogger } from '@libp2p/logger'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { HttpServers, listen } from '../../src/server/index.ts'
import { sharedTcp } from '../../src/tcp/index.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { delay } from '../fixtures/delay.ts'
import { closed } from '../fixtures/streams.ts'
import { BareUpgrader } from '../fixtures/transport.ts'
import { until } from '../fixtures/until.ts'
import { echo, freePort, rawClient } from '../server/fixtures.ts'
import type { ListenOptions } from '../../src/server/index.ts'
import type { RawClient } from '../server/fixtures.ts'
import type { Listener, MultiaddrConnection, Upgrader } from '@libp2p/interface'

const MULTISTREAM = '\x13/multistream/1.0.0\n'
/** More than all buffers between two sockets hold. */
const MUCH = 16 * 1_048_576

interface Pair {
  listener: Listener
  upgrader: BareUpgrader
  inbound: MultiaddrConnection
  client: RawClient
}

async function pair (options: ListenOptions = {}, head = ''): Promise<Pair> {
  const servers = new HttpServers()
  const address = `/ip4/127.0.0.1/tcp/${await freePort()}`
  const server = await listen(`${address}/ws`, { servers, ...options }, echo)
  cleanUp(async () => server.close())

  const upgrader = new BareUpgrader()
  const listener = sharedTcp(tcp(), { servers })({ logger: defaultLogger() }).createListener({ upgrader: upgrader as unknown as Upgrader })
  cleanUp(async () => listener.close())
  await listener.listen(multiaddr(address))

  const [inbound, client] = await Promise.all([
    upgrader.inbound(),
    rawClient(Number(address.split('/').at(-1)), head + MULTISTREAM)
  ])

  return { listener, upgrader, inbound, client }
}

describe('a connection of a TCP port that is shared', () => {
  it('has the address of the client, and every byte from the first on', async () => {
    const { inbound, client } = await pair()
    let received = ''
    inbound.addEventListener('message', ({ data }) => { received += Buffer.from(data.subarray()).toString('latin1') })
    client.socket.write('more')

    await until(() => received.endsWith('more'))
    expect(received).to.equal(`${MULTISTREAM}more`)
    expect(`${inbound.remoteAddr}`).to.equal(`/ip4/127.0.0.1/tcp/${(client.socket.address() as { port: number }).port}`)
  })

  it('has the address that a trusted proxy tells by the PROXY protocol', async () => {
    const { inbound } = await pair({ trustProxy: '127.0.0.1', proxyProtocol: true }, 'PROXY TCP4 203.0.113.7 127.0.0.1 4711 80\r\n')

    expect(`${inbound.remoteAddr}`).to.equal('/ip4/203.0.113.7/tcp/4711')
  })

  it('counts for the limits of the port', async () => {
    const drops: string[] = []
    const { client } = await pair({ limits: { connections: 1 }, ondrop: reason => { drops.push(reason) } })
    const second = await rawClient(client.socket.remotePort ?? 0, MULTISTREAM)

    await second.closed
    expect(drops).to.deep.equal(['connections'])
  })

  it('asks its writer to wait while the client does not read, and goes on when it does', async () => {
    const { inbound, client } = await pair()
    client.socket.pause()
    let sent = 0

    while (inbound.send(new Uint8Array(65_536)) && sent < MUCH) {
      sent += 65_536
    }

    expect(sent).to.be.lessThan(MUCH)
    client.socket.resume()
    await inbound.onDrain()
    expect(inbound.send(new Uint8Array(1))).to.be.true()
  })

  it('holds its client while it is paused', async () => {
    const { inbound, client } = await pair()
    let received = 0
    inbound.addEventListener('message', ({ data }) => { received += data.byteLength })
    await until(() => received > 0)
    inbound.pause()
    client.socket.write(new Uint8Array(MUCH))
    // nothing tells that no more comes
    await delay(50)
    expect(client.socket.writableLength).to.be.greaterThan(0)
    expect(received).to.equal(MULTISTREAM.length)

    inbound.resume()
    await until(() => received === MULTISTREAM.length + MUCH)
  })

  it('closes cleanly, with all that was sent', async () => {
    const { inbound, client } = await pair()
    inbound.send(Buffer.from('last words'))
    await inbound.close()

    await expect(client.closed).to.eventually.equal('last words')
    expect(inbound.status).to.equal('closed')
  })

  it('is closed cleanly by its client', async () => {
    const { inbound, client } = await pair()
    inbound.addEventListener('message', () => {})
    const close = closed(inbound)
    client.socket.end()

    expect(await close).to.have.property('error', undefined)
    await client.closed
  })

  it('is reset by its client, with the cause', async () => {
    const { inbound, client } = await pair()
    inbound.addEventListener('message', () => {})
    const close = closed(inbound)
    client.socket.resetAndDestroy()

    expect(await close).to.have.nested.property('error.name', 'StreamResetError')
    expect(await close).to.have.nested.property('error.cause.code', 'ECONNRESET')
  })

  it('resets its client when it is aborted', async () => {
    const { inbound, client } = await pair()
    const error = new Promise<NodeJS.ErrnoException>(resolve => { client.socket.once('error', resolve) })
    inbound.abort(new Error('enough'))

    expect(await error).to.have.property('code', 'ECONNRESET')
  })

  it('ends when its upgrade fails', async () => {
    const { upgrader, client } = await pair()
    upgrader.upgradeInbound = async () => { throw new Error('not you') }
    const refused = await rawClient(client.socket.remotePort ?? 0, MULTISTREAM)

    await refused.closed
  })

  it('is closed by its listener, also where its client has ended and reads nothing', async function () {
    this.timeout(10_000)

    const { listener, inbound, client } = await pair()
    client.socket.pause()
    inbound.addEventListener('message', () => {})
    inbound.send(new Uint8Array(MUCH))
    client.socket.end()

    await listener.close()
    client.socket.resume()
    await client.closed
    expect(listener.getAddrs()).to.be.empty()
  })

  it('keeps the listener that has the port from listening twice', async () => {
    const { listener } = await pair()

    expect(await listener.listen(multiaddr('/ip4/127.0.0.1/tcp/0')).catch(error => error)).to.have.property('name', 'AlreadyStartedError')
  })
})
