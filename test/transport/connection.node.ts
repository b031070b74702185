import { once } from 'node:events'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { Uint8ArrayList } from 'uint8arraylist'
import { socketClosed, tcpPeer, upgrade, webSocketPeer } from '../fixtures/peers.ts'
import { closed, pattern, read, saturate, stall } from '../fixtures/streams.ts'
import { connect, createBench } from '../fixtures/transport.ts'
import type { WebSocketsInit } from '../../src/index.ts'
import type { MultiaddrConnection, StreamCloseEvent } from '@libp2p/interface'
import type { Socket } from 'node:net'
import type { ServerOptions, WebSocket } from 'ws'

/** A connection that we dialled, and the WebSocket of `ws` at its other end. */
async function connectToPeer (init?: WebSocketsInit, options?: ServerOptions): Promise<{ outbound: MultiaddrConnection, socket: WebSocket }> {
  const { address, accept } = await webSocketPeer(options)
  const [{ socket }, outbound] = await Promise.all([accept(), createBench(init).dial(address)])

  return { outbound, socket }
}

/** A connection that we dialled, and the bare socket at its other end. */
async function connectToSocket (): Promise<{ outbound: MultiaddrConnection, socket: Socket }> {
  const peer = await tcpPeer()
  const accepted = peer.accept().then(async (socket) => {
    await upgrade(socket)
    return socket
  })
  const [socket, outbound] = await Promise.all([accepted, createBench().dial(peer.address)])

  return { outbound, socket }
}

describe('connection: data', () => {
  it('delivers bytes in order in both directions', async () => {
    const { inbound, outbound } = await connect()
    const up = pattern(1_000_000)
    const down = pattern(300_001)
    const received = Promise.all([read(inbound, up.byteLength), read(outbound, down.byteLength)])

    for (let i = 0; i < up.byteLength; i += 4_321) {
      outbound.send(up.subarray(i, i + 4_321))
    }

    inbound.send(new Uint8ArrayList(down.subarray(0, 1), down.subarray(1, 200_000), down.subarray(200_000)))

    expect(await received).to.deep.equal([up, down])
  })

  it('keeps what arrives before anybody listens', async () => {
    const { inbound, outbound } = await connect()
    outbound.send(pattern(100))

    // the answer to it says that it has arrived
    const answer = read(outbound, 1)
    inbound.send(pattern(1))
    await answer

    expect(await read(inbound, 100)).to.equalBytes(pattern(100))
  })

  it('sends a list as one message at once, and all that is written behind it in the same turn as another', async () => {
    const { outbound, socket } = await connectToPeer()
    const messages: Uint8Array[] = []
    const data = pattern(64 * 100)

    socket.on('message', (message: Buffer) => { messages.push(message) })
    outbound.send(new Uint8ArrayList(...Array.from({ length: 32 }, (_, i) => data.subarray(i * 100, (i + 1) * 100))))

    for (let i = 32; i < 64; i++) {
      outbound.send(data.subarray(i * 100, (i + 1) * 100))
    }

    await Promise.all([outbound.close(), once(socket, 'close')])

    expect(messages).to.have.lengthOf(2)
    expect(messages[0]).to.equalBytes(data.subarray(0, 3_200))
    expect(messages[1]).to.equalBytes(data.subarray(3_200))
  })

  it('takes text as bytes', async () => {
    const { outbound, socket } = await connectToPeer()
    socket.send('héllo')

    expect(await read(outbound, 6)).to.equalBytes(Buffer.from('héllo'))
  })

  it('refuses a message over the limit with 1009', async () => {
    const { outbound, socket } = await connectToPeer({ maxMessage: 1_000 })
    const end = closed(outbound)
    socket.send(new Uint8Array(1_001))

    const [code] = await once(socket, 'close')
    expect(code).to.equal(1009)
    expect(await end).to.have.nested.property('error.cause.name', 'WebSocketClosedError')
  })
})

describe('connection: writing', () => {
  it('is saturated with maxBufferedAmount unsent', async () => {
    const limit = 32 * 1_048_576
    const low = await connect({ maxBufferedAmount: 1 })
    const high = await connect({ maxBufferedAmount: limit })

    // the operating system takes a few MiB more
    expect(saturate(low.outbound)).to.be.below(limit)
    expect(saturate(high.outbound)).to.be.at.least(limit)
  })

  it('drains when the peer reads, and not when a timer says so', async () => {
    const { inbound, outbound } = await connect({ bufferedAmountPollInterval: 60_000 })

    inbound.pause()
    await stall(outbound)
    expect(outbound.writableNeedsDrain).to.be.true()

    const drained = pEvent(outbound, 'drain')
    inbound.addEventListener('message', () => {})
    inbound.resume()
    await drained

    expect(outbound.writableNeedsDrain).to.be.false()
    expect(outbound.send(new Uint8Array(1))).to.be.true()
  })

  it('waits for a drain at every saturation', async () => {
    const { inbound, outbound } = await connect()
    inbound.addEventListener('message', () => {})

    for (let i = 0; i < 3; i++) {
      let drains = 0
      outbound.addEventListener('drain', () => { drains++ }, { once: true })
      saturate(outbound)
      await outbound.onDrain()

      expect(drains).to.equal(1)
    }
  })

  it('stops a writer that waits for drains while the peer is paused, and loses nothing', async function () {
    this.timeout(30_000)
    const { inbound, outbound } = await connect()
    const total = 64 * 1_048_576

    inbound.pause()
    // what the operating system holds, and the high water mark
    let sent = await stall(outbound)
    expect(sent).to.be.below(32 * 1_048_576)
    expect(outbound.writeBufferLength).to.equal(0)
    expect(inbound.readBufferLength).to.be.below(131_072)
    expect(inbound.status).to.equal('open')

    let received = 0
    inbound.addEventListener('message', ({ data }) => { received += data.byteLength })
    inbound.resume()

    for (const chunk = new Uint8Array(65_536); sent < total; sent += chunk.byteLength) {
      await outbound.onDrain()
      outbound.send(chunk)
    }

    await Promise.all([outbound.close(), closed(inbound)])
    expect(received).to.equal(sent)
  })

  it('takes what is sent while saturated, up to maxWriteBufferLength', async () => {
    const { inbound, outbound } = await connect()
    inbound.pause()
    saturate(outbound)
    outbound.maxWriteBufferLength = 1_000

    expect(outbound.send(new Uint8Array(1_000))).to.be.false()
    expect(outbound.writeBufferLength).to.equal(1_000)

    const end = closed(outbound)
    outbound.send(new Uint8Array(1))

    expect(await end).to.have.nested.property('error.name', 'StreamBufferError')
  })

  it('leaves the data of a list to its owner', async () => {
    const { inbound, outbound } = await connect()
    const list = new Uint8ArrayList(pattern(10))

    outbound.send(list)
    list.consume(10)

    expect(await read(inbound, 10)).to.equalBytes(pattern(10))
  })

  it('drops what is written after the Close of the peer, without an error', async () => {
    const { outbound, socket } = await connectToSocket()
    const end = closed(outbound)

    // 1000, not masked; the answer comes while TCP is still open
    socket.write(Buffer.from('880203e8', 'hex'))
    await once(socket, 'data')

    expect(outbound.status).to.equal('open')
    expect(outbound.send(new Uint8Array(1))).to.be.true()

    socket.end()
    expect(await end).to.have.property('error', undefined)
  })

  it('rejects onDrain at once when closed', async () => {
    const { outbound } = await connect()
    saturate(outbound)
    outbound.abort(new Error('enough'))

    await expect(outbound.onDrain()).to.eventually.be.rejectedWith('enough')
  })

  it('rejects onDrain when the connection ends meanwhile', async () => {
    const { inbound, outbound } = await connect()
    inbound.pause()
    saturate(outbound)
    const drained = outbound.onDrain()
    outbound.abort(new Error('enough'))

    await expect(drained).to.eventually.be.rejectedWith('enough')
  })

  it('rejects onDrain with an AbortError when its signal fires, before and while it waits', async () => {
    const { inbound, outbound } = await connect()
    const controller = new AbortController()
    inbound.pause()
    saturate(outbound)

    const drained = outbound.onDrain({ signal: controller.signal })
    controller.abort()

    await expect(drained).to.eventually.be.rejected().with.property('name', 'AbortError')
    await expect(outbound.onDrain({ signal: controller.signal })).to.eventually.be.rejected().with.property('name', 'AbortError')
  })
})

describe('connection: pausing', () => {
  it('survives more data than it may buffer', async () => {
    const { inbound, outbound } = await connect()
    const received = read(inbound, 6_000_000)

    inbound.pause()
    outbound.send(pattern(6_000_000))
    await stall(outbound)
    inbound.resume()

    expect((await received).subarray(0, 6_000_000)).to.equalBytes(pattern(6_000_000))
    expect(inbound.status).to.equal('open')
  })

  it('stays paused when a reader pauses again while it catches up', async () => {
    const { inbound, outbound } = await connect()
    inbound.pause()
    inbound.push(pattern(1))
    inbound.addEventListener('message', () => { inbound.pause() }, { once: true })
    inbound.resume()
    outbound.send(pattern(6_000_000))

    await stall(outbound)
    expect(inbound.status).to.equal('open')
    expect(inbound.readBufferLength).to.be.below(131_072)
  })

  it('delivers what is unread, then ends, when the peer closed meanwhile', async () => {
    const { inbound, outbound } = await connect()
    const received = read(inbound, 100_000)

    inbound.pause()
    outbound.send(pattern(100_000))
    const closing = outbound.close()
    const end = closed(inbound)
    inbound.resume()

    expect(await received).to.equalBytes(pattern(100_000))
    expect(await end).to.have.property('error', undefined)
    expect(inbound.readableEnded).to.be.true()
    await closing
  })

  it('delivers what it has already read after its own close', async () => {
    const { inbound, outbound } = await connect()
    outbound.addEventListener('message', () => {})
    inbound.push(pattern(10))
    inbound.pause()
    await inbound.close()
    const ended = pEvent(inbound, 'end')
    const received = read(inbound, 10)
    inbound.resume()

    expect(await received).to.equalBytes(pattern(10))
    await ended
  })
})

describe('connection: close', () => {
  it('delivers everything sent before, and ends both sides without an error', async () => {
    const { inbound, outbound } = await connect()
    const data = pattern(8 * 1_048_576)
    const received = read(inbound, data.byteLength)
    const ends = Promise.all([closed(inbound), closed(outbound)])

    for (let i = 0; i < data.byteLength; i += 65_536) {
      outbound.send(data.subarray(i, i + 65_536))
    }

    await outbound.close()

    expect(await received).to.equalBytes(data)
    expect((await ends).map(({ error }) => error)).to.deep.equal([undefined, undefined])
    expect([inbound.status, outbound.status]).to.deep.equal(['closed', 'closed'])
    expect(outbound.timeline.close).to.be.a('number')
    expect(() => outbound.send(new Uint8Array(1))).to.throw().with.property('name', 'StreamStateError')
  })

  it('rejects with a TimeoutError, and ends the socket, when the peer does not read', async () => {
    const { inbound, outbound } = await connect({ closeTimeout: 100 })
    inbound.pause()
    await stall(outbound)
    outbound.send(new Uint8Array(1_000))

    const err = await expect(outbound.close()).to.eventually.be.rejected()
    expect(err).to.be.an('error').with.property('name', 'TimeoutError')
    expect(outbound.status).to.equal('aborted')

    const end = closed(inbound)
    inbound.addEventListener('message', () => {})
    inbound.resume()
    await end
  })

  it('leaves what it sent to a peer that reads it after the timeout', async () => {
    const { inbound, outbound } = await connect({ closeTimeout: 50 })
    inbound.pause()
    outbound.send(pattern(3_000_000))
    await outbound.close()

    const end = closed(inbound)
    const received = read(inbound, 3_000_000)
    inbound.resume()

    expect(await received).to.equalBytes(pattern(3_000_000))
    expect(await end).to.have.property('error', undefined)
  })

  it('rejects with the error of an abort that comes first, with data queued', async () => {
    const { inbound, outbound } = await connect()
    inbound.pause()
    saturate(outbound)
    outbound.send(new Uint8Array(1))
    const closing = outbound.close()
    outbound.abort(new Error('enough'))

    await expect(closing).to.eventually.be.rejectedWith('enough')
  })

  it('ends only the wait when its signal fires, and loses nothing', async () => {
    const { inbound, outbound } = await connect()
    inbound.pause()
    const sent = await stall(outbound)
    outbound.send(new Uint8Array(1))
    const controller = new AbortController()
    const closing = outbound.close({ signal: controller.signal })
    controller.abort()

    await expect(closing).to.eventually.be.rejected().with.property('name', 'AbortError')
    expect(outbound.status).to.equal('closing')

    const received = read(inbound, sent + 1)
    inbound.resume()
    await received
    await outbound.close()
    expect(outbound.status).to.equal('closed')
  })

  it('settles a second call with the first', async () => {
    const { inbound, outbound } = await connect()
    inbound.addEventListener('message', () => {})
    saturate(outbound)

    await Promise.all([outbound.close(), outbound.close()])
    expect(outbound.status).to.equal('closed')
  })

  for (const code of [1000, 1001, undefined]) {
    it(`is clean when the peer closes ${code == null ? 'without a code' : `with ${code}`}`, async () => {
      const { outbound, socket } = await connectToPeer()
      const end = closed(outbound)
      socket.close(code)

      expect(await end).to.have.property('error', undefined)
      expect(outbound.status).to.equal('closed')
    })
  }

  it('is a reset with code and reason when the peer closes with another code', async () => {
    const { outbound, socket } = await connectToPeer()
    const end = closed(outbound)
    socket.close(4999, 'go away')
    const { error, local } = await end

    expect(local).to.be.false()
    expect(error).to.have.property('name', 'StreamResetError')
    expect(error?.cause).to.include({ name: 'WebSocketClosedError', code: 4999, reason: 'go away' })
    expect(outbound.status).to.equal('reset')
  })

  it('is a reset with 1006 when the peer vanishes, once', async () => {
    const { outbound, socket } = await connectToSocket()
    const events: StreamCloseEvent[] = []
    outbound.addEventListener('close', (event) => { events.push(event) })
    const end = closed(outbound)
    socket.resetAndDestroy()
    await end
    outbound.abort(new Error('late'))

    expect(events).to.have.lengthOf(1)
    expect(events[0].error?.cause).to.include({ name: 'WebSocketClosedError', code: 1006 })
  })
})

describe('connection: abort', () => {
  for (const side of ['outbound', 'inbound'] as const) {
    it(`ends both sides, ${side} in the middle of a write`, async () => {
      const { inbound, outbound } = await connect()
      const [local, remote] = side === 'outbound' ? [outbound, inbound] : [inbound, outbound]
      const localEnd = closed(local)
      const remoteEnd = closed(remote)
      remote.addEventListener('message', () => {})
      saturate(local)
      const err = new Error('enough')
      local.abort(err)

      expect(await localEnd).to.include({ error: err, local: true })
      expect(await remoteEnd).to.have.nested.property('error.name', 'StreamResetError')
      expect([local.status, remote.status]).to.deep.equal(['aborted', 'reset'])
    })
  }

  it('ends the TCP connection', async () => {
    const { outbound, socket } = await connectToSocket()
    const end = socketClosed(socket)
    outbound.abort(new Error('enough'))

    await end
  })

  it('emits close once', async () => {
    const { inbound, outbound } = await connect()
    let closes = 0
    outbound.addEventListener('close', () => { closes++ })
    const remoteEnd = closed(inbound)
    outbound.abort(new Error('enough'))
    outbound.abort(new Error('again'))
    await remoteEnd
    await outbound.close()

    expect(closes).to.equal(1)
  })
})

describe('connection: inactivityTimeout', () => {
  it('aborts an idle connection with a TimeoutError', async () => {
    const start = performance.now()
    const { outbound } = await connectToPeer({ inactivityTimeout: 100 })

    expect(await closed(outbound)).to.have.nested.property('error.name', 'TimeoutError')
    expect(performance.now() - start).to.be.at.least(99)
  })

  for (const direction of ['sends', 'receives']) {
    it(`leaves alone a connection that ${direction}`, async () => {
      const { inbound, outbound } = await connect({ inactivityTimeout: 100 })
      const [from, to] = direction === 'sends' ? [outbound, inbound] : [inbound, outbound]
      const start = performance.now()
      to.addEventListener('message', () => {})

      while (performance.now() - start < 300) {
        const received = read(to, 1)
        from.send(new Uint8Array(1))
        await received
      }

      expect(outbound.status).to.equal('open')
    })
  }

  it('is off with 0', async () => {
    const { inbound, outbound } = await connect({ inactivityTimeout: 0 })
    const received = read(inbound, 1)
    outbound.send(new Uint8Array(1))

    await received
    expect(outbound.status).to.equal('open')
  })
})

describe('connection: keepAlive', () => {
  it('pings a silent peer', async () => {
    const { socket } = await connectToPeer({ keepAlive: 20 })

    await once(socket, 'ping')
  })

  it('aborts when the peer answers no ping within keepAliveTimeout', async () => {
    const { outbound } = await connectToPeer({ keepAlive: 20, keepAliveTimeout: 50 }, { autoPong: false })

    expect(await closed(outbound)).to.have.nested.property('error.cause.cause.name', 'TimeoutError')
  })
})
