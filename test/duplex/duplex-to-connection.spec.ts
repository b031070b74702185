import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { duplexPair } from 'it-pair/duplex'
import { pEvent } from 'p-event'
import { Uint8ArrayList } from 'uint8arraylist'
import { duplexToConnection } from '../../src/duplex/duplex-to-connection.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { delay } from '../fixtures/delay.ts'
import { closed, pattern, read } from '../fixtures/streams.ts'
import { TestDuplex } from './test-duplex.ts'
import type { ByteDuplex, DuplexConnectionInit } from '../../src/duplex/index.ts'
import type { MultiaddrConnection, StreamMessageEvent } from '@libp2p/interface'

function connection (duplex: ByteDuplex, init: Partial<DuplexConnectionInit> = {}): MultiaddrConnection {
  const maConn = duplexToConnection(duplex, {
    remoteAddr: multiaddr('/memory/test'),
    direction: 'outbound',
    log: defaultLogger().forComponent('test'),
    ...init
  })
  cleanUp(() => { maConn.abort(new Error('the test is over')) })

  return maConn
}

function pair (): [MultiaddrConnection, MultiaddrConnection] {
  const [near, far] = duplexPair<Uint8Array>()

  return [connection(near), connection(far, { direction: 'inbound' })]
}

describe('duplexToConnection', () => {
  it('throws when the source is none', () => {
    expect(() => connection({ source: undefined as any, sink: async () => {} })).to.throw(TypeError)
  })
})

describe('duplexToConnection: data', () => {
  it('goes both ways', async () => {
    const [near, far] = pair()
    const up = pattern(1_000_000)
    const received = Promise.all([read(far, up.byteLength), read(near, 3)])

    near.send(up)
    far.send(new Uint8ArrayList(pattern(1), pattern(2)))

    expect((await received)[0]).to.equalBytes(up)
    expect((await received)[1]).to.equalBytes(new Uint8Array([0, 0, 31]))
  })

  it('arrives equal in any chunking', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1 }), async (chunks) => {
      const [near, far] = pair()
      const sent = new Uint8ArrayList(...chunks).subarray()
      const received = read(far, sent.byteLength)

      chunks.forEach((chunk) => { near.send(chunk) })
      expect(await received).to.equalBytes(sent)

      await near.close()
    }))
  })

  it('leaves in values of at most maxMessageSize bytes', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex, { maxMessageSize: 1_000 })
    maConn.send(pattern(2_500))

    expect([await duplex.take(), await duplex.take(), await duplex.take()].map(({ byteLength }) => byteLength)).to.deep.equal([1_000, 1_000, 500])
  })

  it('comes from a source that is not asynchronous', async () => {
    const maConn = connection({ source: [pattern(3), new Uint8ArrayList(pattern(4))], sink: async () => {} })

    expect(await read(maConn, 7)).to.have.lengthOf(7)
  })
})

describe('duplexToConnection: back-pressure', () => {
  it('takes one value, then waits for the sink', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex)

    expect(maConn.send(pattern(10))).to.equal(false)
    expect(maConn.writableNeedsDrain).to.equal(true)
    expect(maConn.send(pattern(20))).to.equal(false)

    const drained = pEvent(maConn, 'drain')
    expect(await duplex.take()).to.have.lengthOf(10)
    await drained

    // the second one takes the free place
    await turn()
    expect(maConn.writableNeedsDrain).to.equal(true)
    expect(await duplex.take()).to.have.lengthOf(20)
  })

  it('does not wait for a sink that waits for it', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex)
    const taken = duplex.take()

    expect(maConn.send(pattern(10))).to.equal(true)
    expect(await taken).to.have.lengthOf(10)
  })

  it('asks the source for no more than one value while it is paused', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex)
    const received: number[] = []
    maConn.addEventListener('message', ({ data }) => { received.push(data.byteLength) })

    await duplex.give(pattern(1))
    maConn.pause()
    await duplex.give(pattern(2))
    const third = duplex.give(pattern(3))
    await turn()

    expect(received).to.deep.equal([1])
    expect(duplex.asked).to.equal(2)

    maConn.resume()
    await third
    expect(received).to.deep.equal([1, 2, 3])
  })

  it('keeps a value of any size for a paused reader', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex)
    const big = new Uint8Array(5_000_000)
    const received = read(maConn, big.byteLength)

    maConn.pause()
    await duplex.give(big)
    await turn()
    expect(maConn).to.include({ status: 'open', readBufferLength: big.byteLength })

    maConn.resume()
    expect(await received).to.have.lengthOf(big.byteLength)
  })

  it('aborts when a value over maxReadBufferLength is not read', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex, { maxReadBufferLength: 10 })

    maConn.pause()
    await duplex.give(pattern(11))
    expect(maConn.status).to.equal('aborted')
    expect(duplex).to.have.nested.property('destroyed.name', 'StreamBufferError')
  })

  it('asks the source for no more than one value before anybody listens', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex)

    await duplex.give(pattern(1))
    const second = duplex.give(pattern(2))
    await turn()
    expect(duplex.asked).to.equal(1)

    const received = read(maConn, 3)
    await second
    expect(await received).to.have.lengthOf(3)
  })
})

describe('duplexToConnection: close', () => {
  it('hands over all data, ends the sink, releases the source, then closes the duplex', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex)
    maConn.send(pattern(10))
    maConn.send(pattern(20))
    const closing = maConn.close()

    expect([await duplex.take(), await duplex.take()].map(({ byteLength }) => byteLength)).to.deep.equal([10, 20])
    expect(duplex.closed).to.equal(false)

    await duplex.takeEnd()
    await closing

    expect(maConn).to.include({ status: 'closed' })
    expect(maConn.timeline.close).to.be.a('number')
    expect(duplex).to.include({ closed: true, released: true, destroyed: undefined })
  })

  it('aborts when the sink does not take what is left', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex, { closeTimeout: 20 })
    maConn.send(pattern(10))

    await expect(maConn.close()).to.eventually.be.rejected.with.property('name', 'TimeoutError')
    expect(maConn).to.include({ status: 'aborted' })
    expect(duplex).to.have.nested.property('destroyed.name', 'TimeoutError')
    expect(duplex.released).to.equal(true)
  })

  it('aborts when the sink does not finish', async () => {
    const duplex = new TestDuplex()
    const sink = async (source: AsyncIterable<Uint8Array>): Promise<void> => {
      await Array.fromAsync(source)
      await new Promise(() => {})
    }
    const maConn = connection({ source: duplex.source, sink }, { closeTimeout: 20 })

    await expect(maConn.close()).to.eventually.be.rejected.with.property('name', 'TimeoutError')
    expect(duplex.released).to.equal(true)
  })

  it('is clean when the source ends, and ends the sink', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex)
    const received = read(maConn, 5)
    const event = closed(maConn)
    await duplex.give(pattern(5))
    await duplex.giveEnd()

    expect(await received).to.have.lengthOf(5)
    expect((await event).error).to.equal(undefined)
    expect(maConn).to.include({ status: 'closed' })
    expect(duplex.destroyed).to.equal(undefined)
    await duplex.takeEnd()
  })

  it('comes after what a paused reader has not read yet', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex)
    const received = read(maConn, 5)
    maConn.pause()
    await duplex.give(pattern(5))
    const end = duplex.giveEnd()
    await turn()
    expect(maConn.status).to.equal('open')

    maConn.resume()
    await end
    expect(await received).to.have.lengthOf(5)
    expect(maConn.status).to.equal('closed')
  })

  for (const who of ['a paused reader', 'a reader yet to come']) {
    it(`keeps for ${who} what was not read before`, async () => {
      const duplex = new TestDuplex()
      const maConn = connection(duplex)
      const received = new Uint8ArrayList()
      const onMessage = ({ data }: StreamMessageEvent): void => { received.append(data) }

      if (who === 'a paused reader') {
        maConn.addEventListener('message', onMessage)
        maConn.pause()
      }

      await duplex.give(pattern(5))
      const closing = maConn.close()
      await duplex.takeEnd()
      await closing
      expect(maConn).to.include({ status: 'closed', readableEnded: false })
      expect(duplex).to.include({ released: true, asked: 1 })
      expect(received).to.have.property('byteLength', 0)

      if (who === 'a paused reader') {
        maConn.resume()
      } else {
        maConn.addEventListener('message', onMessage)
      }

      await turn()
      expect(received.subarray()).to.equalBytes(pattern(5))
      expect(maConn).to.include({ readStatus: 'closed', readableEnded: true })
    })
  }

  it('goes through a pair, behind all data', async () => {
    const [near, far] = pair()
    const data = pattern(1_000_000)
    const received = read(far, data.byteLength)
    const event = closed(far)
    near.send(data)
    await near.close()

    expect(await received).to.equalBytes(data)
    expect((await event).error).to.equal(undefined)
    expect(far.status).to.equal('closed')
  })
})

describe('duplexToConnection: abort and reset', () => {
  it('throws into the sink, releases the source and destroys the duplex on abort()', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex)
    const error = new Error('enough')
    const event = closed(maConn)
    const taking = duplex.take()
    maConn.abort(error)

    await expect(taking).to.eventually.be.rejectedWith('enough')
    expect(await event).to.include({ error, local: true })
    expect(maConn.status).to.equal('aborted')
    expect(duplex).to.include({ released: true, destroyed: error })
  })

  it('drops a value the sink has not taken on abort()', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex)
    maConn.send(pattern(10))
    maConn.abort(new Error('enough'))

    await expect(duplex.take()).to.eventually.be.rejectedWith('enough')
  })

  it('throws into a sink that close() waits for on abort()', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex)
    maConn.send(pattern(10))
    const closing = maConn.close()
    await duplex.take()
    await turn()
    maConn.abort(new Error('enough'))

    await expect(closing).to.eventually.be.rejectedWith('enough')
    await expect(duplex.take()).to.eventually.be.rejectedWith('enough')
  })

  for (const [how, destroy] of [
    ['rejects', async () => { throw new Error('indestructible') }],
    ['throws', () => { throw new Error('indestructible') }]
  ] as const) {
    it(`logs the error when destroy() of the duplex ${how}`, async () => {
      const { source, sink } = new TestDuplex()
      const log = defaultLogger().forComponent('test')
      const logged: unknown[] = []
      log.error = (...args) => { logged.push(args.at(-1)) }
      const maConn = connection({ source, sink, destroy }, { log })
      maConn.abort(new Error('enough'))
      await turn()

      expect(maConn.status).to.equal('aborted')
      expect(logged.map(String)).to.deep.equal(['Error: enough', 'Error: indestructible'])
    })
  }

  it('is reset when the source throws', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex)
    const event = closed(maConn)
    const cause = new Error('broken')
    await duplex.giveError(cause)

    const { error, local } = await event
    expect(error).to.include({ name: 'StreamResetError', cause })
    expect(local).to.equal(false)
    expect(maConn.status).to.equal('reset')
    expect(duplex.destroyed).to.equal(error)
  })

  for (const [how, sink] of [
    ['rejects', async () => { throw new Error('broken') }],
    ['throws', () => { throw new Error('broken') }]
  ] as const) {
    it(`is reset when the sink ${how}`, async () => {
      const duplex = new TestDuplex()
      const maConn = connection({ source: duplex.source, sink })
      await turn()

      expect(maConn.status).to.equal('reset')
      expect(duplex.released).to.equal(true)
    })
  }

  it('waits for the end of the source when the sink stops', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex)
    const received = read(maConn, 5)
    maConn.send(pattern(10))
    await duplex.stopTaking()
    await duplex.give(pattern(5))
    await duplex.giveEnd()

    expect(await received).to.have.lengthOf(5)
    expect(maConn.status).to.equal('closed')
  })

  it('waits for that as long as it takes, with a closeTimeout of Infinity', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex, { closeTimeout: Infinity })
    await duplex.stopTaking()
    await delay(5)

    expect(maConn.status).to.equal('open')
    await duplex.giveEnd()
    expect(maConn.status).to.equal('closed')
  })

  it('is reset when the sink stops and the source goes on', async () => {
    const duplex = new TestDuplex()
    const maConn = connection(duplex, { closeTimeout: 20 })
    const event = closed(maConn)
    await duplex.stopTaking()

    expect((await event).error).to.have.nested.property('cause.message').that.includes('sink stopped')
    expect(duplex.released).to.equal(true)
  })
})

/** Everything that needs no timer has happened by then. */
async function turn (): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve) })
}
