import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect as netConnect } from 'node:net'
import { circuitRelayServer } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { connect, expose, relay } from '../../../src/bridge/tunnel/index.ts'
import { webSockets } from '../../../src/index.ts'
import { cleanUp } from '../../fixtures/clean-up.ts'
import { nodeInit } from '../../fixtures/node-init.ts'
import { until } from '../../fixtures/until.ts'
import { freePort } from '../../server/fixtures.ts'
import { closing, connected, echoed, exposed, LOCAL, LOCAL_TCP, newKey, open, peerOf, portOf, readSome, tcpTarget } from './fixtures.ts'
import type { Exposed, ExposeOptions, TunnelRelay } from '../../../src/bridge/tunnel/index.ts'
import type { PrivateKey } from '@libp2p/interface'

describe('a tunnel that is lost', () => {
  let keys: { there: PrivateKey, here: PrivateKey }
  let url: string

  beforeEach(async () => {
    keys = { there: await newKey(), here: await newKey() }
    url = (await tcpTarget()).url
  })

  /** The same end again, as after a restart of its machine. */
  async function restarted (end: Exposed, options: Partial<ExposeOptions> = {}): Promise<Exposed> {
    return exposed(url, { key: keys.there, listen: withoutPeer(end), allow: [peerOf(keys.here)], ...options })
  }

  function withoutPeer ({ addresses: [address] }: Exposed): string {
    return `${address}`.split('/p2p/')[0]
  }

  async function start (): Promise<Exposed> {
    return expose(url, { key: keys.there, listen: LOCAL, allow: [peerOf(keys.here)] })
  }

  it('is connected again, while the local address stays', async () => {
    const events: string[] = []
    const first = await start()
    const listen = withoutPeer(first)
    const local = await connected(first.addresses[0], {
      key: keys.here,
      local: LOCAL_TCP,
      reconnect: 10,
      onconnected: () => { events.push('connected') },
      onlost: () => { events.push('lost') }
    })
    const socket = await open(local)
    socket.write('.')
    await readSome(socket)
    const [address] = local.local
    const ended = closing(socket.resume())
    socket.once('end', () => { socket.end() })
    await first.close()
    await ended

    // it has to be dialled again and again
    await until(() => events.length > 3)
    await exposed(url, { key: keys.there, listen, allow: [peerOf(keys.here)] })

    expect(await echoed(local, 'hello')).to.equal('hello')
    expect(local.local[0].equals(address)).to.equal(true)
    expect(events[0]).to.equal('connected')
    expect(events.at(-1)).to.equal('connected')
    expect(new Set(events.slice(1, -1))).to.deep.equal(new Set(['lost']))
  })

  it('lets new local connections wait for it', async () => {
    const lost = Promise.withResolvers<Error>()
    const first = await start()
    const listen = withoutPeer(first)
    const local = await connected(first.addresses[0], { key: keys.here, local: LOCAL_TCP, reconnect: 10, onlost: lost.resolve })
    await first.close()
    await lost.promise
    const answers = ['one', 'two'].map(async text => echoed(local, text))
    await exposed(url, { key: keys.there, listen, allow: [peerOf(keys.here)] })

    expect(await Promise.all(answers)).to.deep.equal(['one', 'two'])
  })

  it('refuses local connections that have waited for too long', async () => {
    const errors: Error[] = []
    const lost = Promise.withResolvers<Error>()
    const first = await start()
    const local = await connected(first.addresses[0], { key: keys.here, local: LOCAL_TCP, reconnect: 10, waitTimeout: 50, onlost: lost.resolve, onerror: error => { errors.push(error) } })
    await first.close()
    await lost.promise
    const socket = netConnect(portOf(local.local[0]), '127.0.0.1')
    socket.on('error', () => {})

    expect(await closing(socket.resume())).to.equal(true)
    expect(errors[0].cause).to.have.property('name', 'TimeoutError')
  })

  it('forgets local sessions that ended while they waited', async () => {
    const errors: Error[] = []
    const lost = Promise.withResolvers<Error>()
    const first = await expose('udp://127.0.0.1:1', { key: keys.there, listen: LOCAL, allow: [peerOf(keys.here)] })
    const local = await connected(first.addresses[0], { key: keys.here, local: 'udp://127.0.0.1:0', idleTimeout: 20, onlost: lost.resolve, onerror: error => { errors.push(error) } })
    await first.close()
    await lost.promise
    const socket = createSocket('udp4')
    socket.send('.', portOf(local.local[0]), '127.0.0.1', () => { socket.close() })
    await until(() => errors.length === 1)

    expect(errors[0].message).to.contain('it has left')
  })

  it('waits longer from one dial to the next, up to a bound', async () => {
    const times: number[] = []
    const first = await start()
    await connected(first.addresses[0], { key: keys.here, local: LOCAL_TCP, reconnect: 20, reconnectMax: 80, onlost: () => { times.push(performance.now()) } })
    await first.close()
    await until(() => times.length > 12)

    // random, but twelve of them take longer than those of a bound that stays 20 ms would; without a bound it would be minutes
    expect(times[12] - times[0]).to.be.above(12 * 10)
  })

  it('is not given up because the peer refuses for a while', async () => {
    const lost = Promise.withResolvers<Error>()
    const first = await start()
    const local = await connected(first.addresses[0], { key: keys.here, local: LOCAL_TCP, reconnect: 10, onlost: error => { if (error.name === 'ConnectionFailedError' && error.message.includes('refused us')) { lost.resolve(error) } } })
    const listen = withoutPeer(first)
    await first.close()
    const stern = await expose(url, { key: keys.there, listen, allow: [peerOf(await newKey())] })
    await lost.promise
    const mild = withoutPeer(stern)
    await stern.close()
    await exposed(url, { key: keys.there, listen: mild, allow: [peerOf(keys.here)] })

    expect(await echoed(local, 'hello')).to.equal('hello')
  })

  it('fails at its start, and then leaves nothing behind', async () => {
    const first = await start()
    const [address] = first.addresses
    await first.close()
    const error: any = await connect(address, { key: keys.here, local: LOCAL_TCP }).catch(error => error)

    expect(error).to.have.property('name', 'ConnectionFailedError')
    expect(error.message).to.contain('ECONNREFUSED')
  })

  it('may be there later with background', async () => {
    const first = await start()
    const [address] = first.addresses
    const listen = withoutPeer(first)
    await first.close()
    const local = await connected(address, { key: keys.here, local: LOCAL_TCP, reconnect: 10, background: true })
    await exposed(url, { key: keys.there, listen, allow: [peerOf(keys.here)] })

    expect(await echoed(local, 'hello')).to.equal('hello')
  })

  it('ends its start when its signal fires', async () => {
    const stop = new AbortController()
    const first = await start()
    const [address] = first.addresses
    cleanUp(async () => first.close())
    const started = connect(address, { key: keys.here, local: LOCAL_TCP, signal: stop.signal })
    stop.abort()

    await expect(started).to.eventually.be.rejected().with.property('name', 'AbortError')
  })

  it('listens on nothing when its signal fires as soon as it is connected', async () => {
    const stop = new AbortController()
    const local = await freePort()
    const [address] = (await exposed(url, { key: keys.there, listen: LOCAL, allow: [peerOf(keys.here)] })).addresses
    const started = connect(address, { key: keys.here, local: `tcp://127.0.0.1:${local}`, signal: stop.signal, onconnected: () => { stop.abort() } })

    await expect(started).to.eventually.be.rejected().with.property('name', 'AbortError')
    await expect(once(netConnect(local, '127.0.0.1'), 'connect')).to.eventually.be.rejected().with.property('code', 'ECONNREFUSED')
  })

  it('is not connected again when it was closed', async () => {
    const first = await start()
    const local = await connect(first.addresses[0], { key: keys.here, local: LOCAL_TCP, reconnect: 1 })
    await local.close()
    const again = await restarted(first, { listen: LOCAL })
    await first.close()

    expect(again.sessions).to.equal(0)
  })
})

describe('a reverse tunnel', () => {
  let keys: { relay: PrivateKey, there: PrivateKey, here: PrivateKey }
  let url: string

  beforeEach(async () => {
    keys = { relay: await newKey(), there: await newKey(), here: await newKey() }
    url = (await tcpTarget()).url
  })

  async function startRelay (listen: string = LOCAL, allow: string[] = [peerOf(keys.there)], onrefused?: (peer: string) => void): Promise<TunnelRelay> {
    const end = await relay(listen, { key: keys.relay, allow, onrefused })
    cleanUp(async () => end.close())

    return end
  }

  it('is reached through a relay by an end that only dials, and by nobody who is not allowed', async () => {
    const refused: string[] = []
    const stranger = await newKey()
    const { addresses: [via] } = await startRelay()
    const end = await exposed(url, { key: keys.there, via, allow: [peerOf(keys.here)], onrefused: peer => { refused.push(peer) } })
    const [address] = end.addresses

    expect(`${address}`).to.equal(`${via}/p2p-circuit/p2p/${end.peer}`)
    expect(await echoed(await connected(address, { key: keys.here, local: LOCAL_TCP }), 'hello')).to.equal('hello')
    const error: any = await connect(address, { key: stranger, local: LOCAL_TCP }).catch(error => error)
    expect(error).to.be.an('error')
    expect(refused).to.deep.equal([peerOf(stranger)])
  })

  it('proves who is behind the relay', async () => {
    const { addresses: [via] } = await startRelay(LOCAL, [peerOf(keys.there), peerOf(keys.here)])
    const end = await exposed(url, { key: keys.there, via, allow: [peerOf(keys.here)] })
    const address = `${end.addresses[0]}`.replace(/\w+$/, peerOf(await newKey()))

    await expect(connect(address, { key: keys.here, local: LOCAL_TCP })).to.eventually.be.rejected()
  })

  it('is listened for, and reached through a relay, at once', async () => {
    const { addresses: [via] } = await startRelay()
    const end = await exposed(url, { key: keys.there, via, listen: LOCAL, allow: [peerOf(keys.here)] })

    expect(end.addresses).to.have.lengthOf(2)
    for (const address of end.addresses) {
      expect(await echoed(await connected(address, { key: keys.here, local: LOCAL_TCP }), 'hello')).to.equal('hello')
    }
  })

  it('carries much through it', async () => {
    const { addresses: [via] } = await startRelay()
    const end = await exposed(url, { key: keys.there, via, allow: [peerOf(keys.here)] })
    const local = await connected(end.addresses[0], { key: keys.here, local: LOCAL_TCP })
    const text = 'x'.repeat(4_000_000)

    expect(await echoed(local, text) === text).to.equal(true)
  })

  it('comes back after its relay was gone', async () => {
    const events: string[] = []
    const first = await startRelay()
    const listen = `${first.addresses[0]}`.split('/p2p/')[0]
    const end = await exposed(url, { key: keys.there, via: first.addresses[0], allow: [peerOf(keys.here)], reconnect: 10, onlost: () => { events.push('lost') }, onrelayed: () => { events.push('relayed') } })
    const local = await connected(end.addresses[0], { key: keys.here, local: LOCAL_TCP, reconnect: 10 })
    expect(await echoed(local, 'hello')).to.equal('hello')
    await first.close()
    await until(() => events.includes('lost'))
    await startRelay(listen)

    expect(await echoed(local, 'hello again')).to.equal('hello again')
    expect(events.at(-1)).to.equal('relayed')
    expect(end.addresses).to.have.lengthOf(1)
  })

  it('needs a relay that allows it', async () => {
    const refused: string[] = []
    const { addresses: [via] } = await startRelay(LOCAL, [peerOf(keys.here)], peer => { refused.push(peer) })
    const error: any = await expose(url, { key: keys.there, via, allow: [peerOf(keys.here)] }).catch(error => error)

    expect(error).to.have.property('name', 'ConnectionFailedError')
    expect(error.message).to.contain('is no relay for us').and.contain('PERMISSION_DENIED')
    expect(refused).to.deep.equal([peerOf(keys.there)])
  })

  it('says which limits a relay of strangers has, and connects again when they are reached', async () => {
    const facts: Array<{ bytes?: bigint, seconds?: number } | undefined> = []
    const stranger = await createLibp2p({
      ...nodeInit(webSockets(), [LOCAL]),
      services: { identify: identify(), relay: circuitRelayServer({ reservations: { defaultDataLimit: 100_000n, defaultDurationLimit: 60_000 } }) }
    })
    cleanUp(async () => stranger.stop())
    const end = await exposed(url, { key: keys.there, via: stranger.getMultiaddrs()[0], allow: [peerOf(keys.here)] })
    const local = await connected(end.addresses[0], { key: keys.here, local: LOCAL_TCP, reconnect: 10, onconnected: ({ limits }) => { facts.push(limits) } })
    expect(await echoed(local, 'a little')).to.equal('a little')
    expect(Number(facts[0]?.bytes)).to.be.within(1, 100_000)

    const socket = await open(local)
    const closed = closing(socket.resume())
    socket.write(new Uint8Array(200_000))
    expect(await closed).to.equal(true)
    expect(await echoed(local, 'a little more')).to.equal('a little more')
    expect(facts).to.have.lengthOf(2)
  })

  it('needs the peer id of the relay', async () => {
    await expect(expose(url, { via: '/ip4/127.0.0.1/tcp/1/ws', allow: [peerOf(keys.here)] })).to.eventually.be.rejectedWith('/p2p/ID').with.property('name', 'InvalidParametersError')
  })
})
