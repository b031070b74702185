import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { servePerf } from '../../src/cli/perf.ts'
import { openStream, receive, sendZeros } from '../../src/cli/stream.ts'
import { testNode } from './fixtures.ts'
import type { Connection, Stream } from '@libp2p/interface'

const PROTOCOL = '/test/1.0.0'
const MIB = 1_048_576
/** What a sender may have under way: the first window of yamux, a chunk, and some. */
const UNDER_WAY = MIB

const never = new AbortController().signal

/** Two nodes, connected; the second one answers perf, and hands out the streams of our protocol. */
async function connected (): Promise<{ connection: Connection, inbound: Promise<Stream> }> {
  const [dialer, listener] = [await testNode(), await testNode({ listen: [multiaddr('/ip4/127.0.0.1/tcp/0/ws')] })]
  const { promise: inbound, resolve } = Promise.withResolvers<Stream>()

  await servePerf(listener)
  await listener.handle(PROTOCOL, resolve)

  return { connection: await dialer.dial(listener.getMultiaddrs()), inbound }
}

describe('sendZeros', () => {
  it('sends no faster than the other side reads', async () => {
    const { connection, inbound } = await connected()
    const stream = await openStream(connection, PROTOCOL, never)
    const reader = await inbound
    let sent = 0
    let received = 0

    reader.pause()
    const sending = sendZeros(stream, 8 * MIB, (bytes) => { sent += bytes })
    await delay(50)
    expect(sent).to.be.greaterThan(0).and.at.most(UNDER_WAY)

    const receiving = receive(reader, ({ byteLength }) => { received += byteLength })
    reader.resume()
    await Promise.all([sending, receiving])

    expect(sent).to.equal(8 * MIB)
    expect(received).to.equal(8 * MIB)
  })

  it('rejects when the other side resets the stream while it waits', async () => {
    const { connection, inbound } = await connected()
    const stream = await openStream(connection, PROTOCOL, never)
    const reader = await inbound

    reader.pause()
    const sending = sendZeros(stream, 8 * MIB)
    await delay(20)
    reader.abort(new Error('enough'))

    await expect(sending).to.eventually.be.rejected.with.property('name', 'StreamResetError')
  })
})

describe('receive', () => {
  it('gets what arrived before it was called, and its end', async () => {
    const { connection, inbound } = await connected()
    const stream = await openStream(connection, PROTOCOL, never)
    let received = 0

    stream.send(Uint8Array.of(1, 2, 3))
    await stream.close()
    const reader = await inbound
    await delay(20)
    await receive(reader, ({ byteLength }) => { received += byteLength })

    expect(received).to.equal(3)
  })

  it('resolves where nothing but the end has come', async () => {
    const { connection, inbound } = await connected()
    const stream = await openStream(connection, PROTOCOL, never)

    await stream.close()
    const reader = await inbound
    await delay(20)

    await receive(reader, () => {})
  })
})

describe('openStream', () => {
  it('opens a stream that is aborted when the signal fires', async () => {
    const { connection } = await connected()
    const stop = new AbortController()
    const stream = await openStream(connection, PROTOCOL, stop.signal)
    const closed = once(stream, 'close')

    stop.abort()

    expect((await closed)[0].error).to.have.property('name', 'AbortError')
  })
})

describe('servePerf', () => {
  it('resets a stream that ends before the number of bytes wanted', async () => {
    const { connection } = await connected()
    const stream = await openStream(connection, '/perf/1.0.0', never)

    stream.send(new Uint8Array(7))
    const receiving = receive(stream, () => {})
    await stream.close()

    await expect(receiving).to.eventually.be.rejected.with.property('name', 'StreamResetError')
  })

  it('reads the number of bytes wanted from single bytes, and drops what follows it', async () => {
    const { connection } = await connected()
    const stream = await openStream(connection, '/perf/1.0.0', never)
    let received = 0
    const receiving = receive(stream, ({ byteLength }) => { received += byteLength })

    for (const byte of [0, 0, 0, 0, 0, 1, 0, 1, 42, 43]) {
      stream.send(Uint8Array.of(byte))
      await new Promise(setImmediate)
    }
    await stream.close()
    await receiving

    expect(received).to.equal(65_537)
  })
})
