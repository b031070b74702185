/** Whoever ends the connection, in whatever way and state: both sides see it, soon, and nothing is left. */
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { delay } from '../../test/fixtures/delay.ts'
import { until } from '../../test/fixtures/until.ts'
import { PERF, RESET } from '../js/protocols.ts'
import { meet, ourNode, PLAIN, prepare } from '../meeting.ts'
import type { Meeting, Pairing } from '../meeting.ts'
import type { Stream, StreamMessageEvent } from '@libp2p/interface'

const GIB = 1_073_741_824
/** A close without progress is cut after 3 s, of the muxer and of the WebSocket. */
const BOUND = 10_000

export function endings (pairing: Pairing): void {
  it('a wrong peer id is refused', async () => {
    const { peerId: other } = await ourNode()
    const { node, peer, connect } = await prepare(pairing, { ...PLAIN, dial: (address) => address.replace(/p2p\/.*/, `p2p/${other}`) })

    await expect(connect()).to.eventually.be.rejectedWith(pairing.weDial ? /identity key \S+ does not match/ : /identity key|peer ID|unable to connect/i)
    // a peer that dials us knows first
    await until(() => node.getConnections().length === 0)
    await alone(peer)
  })

  it('the peer closes', async () => {
    const { node, peer, connection } = await meet(pairing)
    const closed = pEvent(connection, 'close')

    await peer.ask('close')
    await closed
    expect(connection.status).to.equal('closed')
    expect(node.getConnections()).to.be.empty()
  })

  it('the peer resets a stream', async () => {
    const { node, connection } = await meet(pairing)
    const stream = await connection.newStream(RESET)

    while (stream.status === 'open') {
      await pEvent(stream, 'close')
    }

    expect(stream.status).to.equal('reset')
    await node.services.ping.ping(connection.remotePeer)
  })

  it('the peer exits without a word', async () => {
    const { node, peer, connection } = await meet(pairing)
    const closed = pEvent(connection, 'close')

    await peer.end('exit')
    await closed
    expect(node.getConnections()).to.be.empty()
  })

  it('the peer is killed while it writes', async () => {
    const { node, peer, connection } = await meet(pairing)
    const stream = await download(connection)
    const closed = Promise.all([pEvent(connection, 'close'), pEvent(stream, 'close')])

    await peer.end('kill')
    await closed
    // libp2p ends its streams without an error
    expect(connection.status).to.equal('reset')
    expect(node.getConnections()).to.be.empty()
  })

  it('the peer is killed with our data unread, a TCP reset', async () => {
    const { node, peer, connection } = await meet(pairing)
    const stream = await connection.newStream(PERF)

    peer.freeze()
    stream.send(new Uint8Array(65_536))
    // it leaves with the end of this turn of the event loop
    await new Promise(setImmediate)

    const closed = Promise.all([pEvent(connection, 'close'), pEvent(stream, 'close')])
    await peer.end('kill')
    await closed
    expect(connection.status).to.equal('reset')
    expect(node.getConnections()).to.be.empty()
  })

  it('we close while the peer writes', async () => {
    const { node, peer, connection } = await meet(pairing)
    await download(connection)

    await bounded(connection.close({ signal: AbortSignal.timeout(BOUND) }).catch(() => {}))
    expect(node.getConnections()).to.be.empty()
    await alone(peer)
  })

  it('we abort while the peer writes', async () => {
    const { node, peer, connection } = await meet(pairing)
    await download(connection)

    connection.abort(new Error('enough'))
    expect(node.getConnections()).to.be.empty()
    await alone(peer)
  })

  it('we close, and the peer does not answer', async () => {
    const { node, peer, connection } = await meet(pairing)

    peer.freeze()
    await bounded(connection.close({ signal: AbortSignal.timeout(BOUND) }).catch(() => {}))
    await bounded(node.stop())
    expect(node.getConnections()).to.be.empty()

    peer.thaw()
    await alone(peer)
  })
}

/** A stream on which the peer writes all that we take, and has begun to. */
async function download (connection: Meeting['connection']): Promise<Stream> {
  const stream = await connection.newStream(PERF)
  const header = new DataView(new ArrayBuffer(8))
  const began = pEvent<'message', StreamMessageEvent>(stream, 'message')

  header.setBigUint64(0, BigInt(GIB))
  stream.send(new Uint8Array(header.buffer))
  await stream.close()
  await began
  // read, and drop
  stream.addEventListener('message', () => {})

  return stream
}

/** Resolves when the peer has no connection any more. */
async function alone (peer: Meeting['peer']): Promise<void> {
  const deadline = Date.now() + BOUND

  for (;;) {
    const reason = await peer.ask('ping').then(() => 'it still has one', ({ message }) => message)

    if (/\b0 connections/.test(reason)) {
      return
    }

    await delay(10)
    expect(Date.now(), `the peer's connection ends: ${reason}`).to.be.below(deadline)
  }
}

async function bounded (work: unknown): Promise<void> {
  const started = Date.now()

  await work
  expect(Date.now() - started).to.be.below(BOUND)
}
