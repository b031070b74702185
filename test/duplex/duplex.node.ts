import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'aegir/chai'
import * as fc from 'fast-check'
import { pipe } from 'it-pipe'
import { Uint8ArrayList } from 'uint8arraylist'
import { parseAddress } from '../../src/address/index.ts'
import { dial } from '../../src/channel/index.ts'
import { HIGH_WATER_MARK } from '../../src/constants.ts'
import { duplex } from '../../src/duplex/index.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { webSocketPeer } from '../fixtures/peers.ts'
import { pattern } from '../fixtures/streams.ts'
import { acceptItWs, channels, dialItWs, ourServer } from './fixtures.ts'
import type { Channel, ChannelClose } from '../../src/channel/index.ts'
import type { DuplexOptions, DuplexWebSocket } from '../../src/duplex/index.ts'
import type { DuplexWebSocket as ItWs } from 'it-ws/duplex'
import type { WebSocket } from 'ws'

const TEXT = new TextDecoder()

/** As text, until the source ends or `count` messages are there; then it is left. */
async function texts (source: AsyncIterable<Uint8Array>, count = Infinity): Promise<string[]> {
  const messages: string[] = []

  for await (const message of source) {
    messages.push(TEXT.decode(message))

    if (messages.length === count) {
      break
    }
  }

  return messages
}

function bytes (...texts: string[]): Uint8Array[] {
  return texts.map((text) => new TextEncoder().encode(text))
}

/** Never yields; `returned` resolves when the one who iterates lets go of it. */
function silence (): { source: AsyncIterable<Uint8Array>, returned: Promise<void> } {
  const { promise: returned, resolve } = Promise.withResolvers<void>()
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: async () => new Promise<never>(() => {}),
      return: async () => {
        resolve()
        return { done: true as const, value: undefined }
      }
    })
  }

  return { source, returned }
}

/** The same message `count` times; `onTaken` is called for each. */
function * repeat (message: Uint8Array, count: number, onTaken = (): void => {}): Generator<Uint8Array> {
  for (let i = 0; i < count; i++) {
    onTaken()
    yield message
  }
}

/** Resolves when a number has not changed for 50 ms. */
async function stalled (read: () => number): Promise<void> {
  for (let before = -1; before !== read();) {
    before = read()
    await delay(50)
  }
}

/** A channel that the test feeds and ends. */
function stub (): { channel: Channel, end(close: ChannelClose): void } {
  const { promise: closed, resolve: end } = Promise.withResolvers<ChannelClose>()
  const channel = {
    local: parseAddress('ws://localhost'),
    remote: parseAddress('wss://example.com'),
    status: 'open',
    closed,
    pause: () => {},
    resume: () => {},
    close: async () => {}
  } satisfies Partial<Channel>

  return { channel: channel as unknown as Channel, end }
}

/** Resolves when a channel is paused. */
async function onPause (channel: Channel): Promise<void> {
  const pause = channel.pause.bind(channel)

  return new Promise((resolve) => {
    channel.pause = () => {
      pause()
      resolve()
    }
  })
}

async function closeCode (socket: WebSocket): Promise<number> {
  const [code] = await once(socket, 'close')

  return code
}

async function expectError (promise: Promise<unknown>): Promise<Error> {
  return promise.then(() => expect.fail('should have been rejected'), (err) => err)
}

/** Our duplex, dialled, with a WebSocket of `ws` at the other end, and what it received so far. */
async function dialWs (options?: DuplexOptions): Promise<{ ours: DuplexWebSocket, socket: WebSocket }> {
  const { address, accept } = await webSocketPeer()
  const [{ socket }, channel] = await Promise.all([accept(), dial(address)])
  cleanUp(() => { channel.abort() })

  return { ours: duplex(channel, options), socket }
}

describe('duplex: with it-ws', () => {
  const pairs: Record<string, () => Promise<{ ours: DuplexWebSocket, theirs: ItWs }>> = {
    'dialled from its server': async () => dialItWs({ closeOnEnd: false }),
    'accepted from its client': async () => acceptItWs({ closeOnEnd: false })
  }

  for (const [name, connect] of Object.entries(pairs)) {
    it(`exchanges messages through pipe(), ${name}`, async () => {
      const { ours, theirs } = await connect()
      const echo = pipe(theirs, theirs)
      const sent = ['one', 'two', 'three']

      const received = await pipe(
        bytes(...sent),
        ours,
        async (source: AsyncIterable<Uint8Array>) => texts(source, sent.length)
      )

      await ours.close()
      await echo

      expect(received).to.deep.equal(sent)
    })

    it(`sends 16 MiB each way, ${name}`, async () => {
      const { ours, theirs } = await connect()
      const data = pattern(65_536)
      const echo = pipe(theirs, theirs)
      let received = 0

      await Promise.all([
        ours.sink(Array.from({ length: 256 }, () => data)),
        (async () => {
          for await (const message of ours.source) {
            expect(message).to.equalBytes(data)
            received += message.byteLength

            if (received === 256 * data.byteLength) {
              break
            }
          }
        })()
      ])

      await ours.close()
      await echo
    })
  }

  it('ends its source when our sink ends, and ours when its sink ends', async () => {
    const first = await dialItWs()
    const theirReading = texts(first.theirs.source)
    await first.ours.sink(bytes('bye'))

    expect(await theirReading).to.deep.equal(['bye'])
    expect(await texts(first.ours.source)).to.deep.equal([])

    const second = await dialItWs()
    const ourReading = texts(second.ours.source)
    await second.theirs.sink(bytes('bye'))

    expect(await ourReading).to.deep.equal(['bye'])
  })

  it('has its shape', async () => {
    const { ours } = await acceptItWs()
    const shape: Omit<ItWs, 'socket' | 'connected'> = ours

    expect(await ours.connected()).to.equal(undefined)
    expect(shape).to.have.property('remoteAddress', '127.0.0.1')
    expect(shape).to.have.property('remotePort').that.is.above(0)
    expect(shape).to.have.property('localAddress', '127.0.0.1')
    expect(shape).to.have.property('localPort').that.is.above(0)
  })
})

describe('duplex: address', () => {
  it('is that of both ends', async () => {
    const { near, far } = await channels()
    const dialled = duplex(near)
    const accepted = duplex(far)

    expect(dialled).to.have.property('remotePort', accepted.localPort)
    expect(dialled).to.have.property('localPort', accepted.remotePort)
  })

  it('has the port of the scheme for a URL without one', () => {
    const { channel } = stub()

    expect(duplex(channel)).to.include({ localPort: 80, remoteAddress: 'example.com', remotePort: 443 })
  })

  it('is the path of a Unix socket', async () => {
    const path = join(tmpdir(), `duplex-${process.pid}.sock`)
    const { server, accepted } = await ourServer({}, `/unix/${encodeURIComponent(path)}/ws`)
    const near = duplex(await dial(server.addresses[0]))
    cleanUp(() => { near.destroy() })

    expect(near).to.have.property('remoteAddress', path)
    expect(near).to.have.property('remotePort', 0)
    expect(duplex(await accepted)).to.have.property('localAddress', path)
  })
})

describe('duplex: reading', () => {
  it('keeps what arrives before anybody reads', async () => {
    const { ours, socket } = await dialWs()
    bytes('a', 'b', 'c').forEach((message) => { socket.send(message) })
    socket.close()
    await ours.socket.closed

    expect(await texts(ours.source)).to.deep.equal(['a', 'b', 'c'])
  })

  it('starts a channel that was paused', async () => {
    const { near, far } = await channels()
    far.pause()
    const { source } = duplex(far)
    near.send(pattern(3))

    expect((await source.next()).value).to.equalBytes(pattern(3))
  })

  it('yields text as its UTF-8 bytes, and empty messages', async () => {
    const { ours, socket } = await dialWs()
    socket.send('gr\u00fc\u00df')
    socket.send('')
    socket.close()

    expect(await texts(ours.source)).to.deep.equal(['gr\u00fc\u00df', ''])
  })

  it('yields bytes as they come in byte mode', async () => {
    const { near, far } = await channels({ listen: { mode: 'bytes' } })
    const data = pattern(200_000)
    near.send(data)
    void near.close()

    expect(Buffer.concat(await Array.fromAsync(duplex(far).source))).to.equalBytes(data)
  })

  it('answers several calls of next() in order', async () => {
    const { ours, socket } = await dialWs()
    const reads = [ours.source.next(), ours.source.next(), ours.source.next()]
    socket.send('1')
    socket.send('2')
    socket.close()

    const results = await Promise.all(reads)
    expect(results.map(({ value }) => value == null ? undefined : TEXT.decode(value))).to.deep.equal(['1', '2', undefined])
  })

  it('stops the peer while nobody reads', async () => {
    const { near, far } = await channels()
    const { source } = duplex(far)
    const data = pattern(65_536)
    const total = 1024 * data.byteLength
    let unread = 0
    let unsent = 0
    let received = 0

    const writing = duplex(near).sink(repeat(data, 1024, () => {
      unsent = Math.max(unsent, near.bufferedAmount)
    }))

    for await (const message of source) {
      received += message.byteLength
      unread = Math.max(unread, far.bytesIn - received)
      // slower than the network: several reads of the socket happen meanwhile
      await new Promise(setImmediate)
    }

    await writing

    expect(received).to.equal(total)
    expect(unread).to.be.at.most(2 * data.byteLength)
    expect(unsent).to.be.at.most(HIGH_WATER_MARK + data.byteLength)
  })

  it('stops a peer that sends empty messages too', async () => {
    const { near, far } = await channels()
    const paused = onPause(far)
    const { source } = duplex(far)
    await duplex(near, { closeOnEnd: false }).sink(repeat(new Uint8Array(0), 1_000))
    await paused
    void near.close()

    expect(await texts(source)).to.have.lengthOf(1_000)
  })

  it('leaves the WebSocket open when the reader leaves, and drops what comes later', async () => {
    const { ours, socket } = await dialWs()
    socket.send('first')

    expect(await texts(ours.source, 1)).to.deep.equal(['first'])

    const big = pattern(1_000_000)
    socket.send(big)
    socket.send(big)
    const received = new Promise((resolve) => { socket.once('message', resolve) })
    await ours.sink(['still here'])

    expect(`${await received}`).to.equal('still here')
    expect(await texts(ours.source)).to.deep.equal([])
  })

  it('lets a reader leave that waits for a message', async () => {
    const { ours } = await dialWs()
    const pending = ours.source.next()

    expect(await ours.source.return(undefined)).to.deep.equal({ done: true, value: undefined })
    expect(await pending).to.deep.equal({ done: true, value: undefined })
  })

  it('throws what is thrown into it, and ends', async () => {
    const { ours } = await dialWs()

    await expect(ours.source.throw(new Error('enough'))).to.eventually.be.rejectedWith('enough')
    expect(await ours.source.next()).to.deep.equal({ done: true, value: undefined })
  })
})

describe('duplex: writing', () => {
  it('sends each value as one message, and strings as text', async () => {
    const { ours, socket } = await dialWs()
    const received: Array<[string, boolean]> = []
    socket.on('message', (data, binary) => { received.push([`${data}`, binary]) })

    await ours.sink([...bytes('one'), new Uint8ArrayList(...bytes('t', 'wo')), 'thr\u00e9e', new Uint8Array(0)])

    expect(received).to.deep.equal([['one', true], ['two', true], ['thr\u00e9e', false], ['', true]])
  })

  it('sends strings as bytes in byte mode', async () => {
    const { near, far } = await channels({ dial: { mode: 'bytes' } })
    const received: Array<[string, boolean]> = []
    far.onmessage = (data, text) => { received.push([TEXT.decode(data), text]) }

    await duplex(near).sink(['one', ...bytes('two')])

    expect(received).to.deep.equal([['one', false], ['two', false]])
  })

  it('takes nothing from its source while the peer does not read', async () => {
    const { ours, socket } = await dialWs({ closeOnEnd: false })
    const data = pattern(65_536)
    const count = 1024
    let taken = 0
    let received = 0

    socket.pause()
    const written = ours.sink(repeat(data, count, () => { taken++ }))
    await stalled(() => taken)

    expect(taken).to.be.below(count / 2)
    expect(ours.socket.bufferedAmount).to.be.at.most(HIGH_WATER_MARK + data.byteLength)

    socket.on('message', (message: Uint8Array) => { received += message.byteLength })
    socket.resume()
    await written
    await ours.close()

    expect(received).to.equal(count * data.byteLength)
  })

  it('closes with 1000 when its source ends', async () => {
    const { ours, socket } = await dialWs()
    const [code] = await Promise.all([closeCode(socket), ours.sink(bytes('all'))])

    expect(code).to.equal(1000)
    expect(await ours.socket.closed).to.include({ code: 1000, wasClean: true })
  })

  it('stays open after its source with closeOnEnd: false, for as many sources as there are', async () => {
    const { ours, socket } = await dialWs({ closeOnEnd: false })
    const received: string[] = []
    socket.on('message', (data) => { received.push(`${data}`) })

    await ours.sink(bytes('1'))
    await Promise.all([ours.sink(bytes('2')), ours.sink(bytes('3'))])
    expect(ours.socket.status).to.equal('open')

    await ours.close()
    expect(received).to.deep.equal(['1', '2', '3'])
  })

  it('closes with 1011 when its source throws, and throws that', async () => {
    const { ours, socket } = await dialWs()
    const code = closeCode(socket)
    const failing = (async function * () {
      yield * bytes('part')
      throw new Error('no more')
    })()

    await expect(ours.sink(failing)).to.eventually.be.rejectedWith('no more')
    expect(await code).to.equal(1011)
  })

  it('stays open when its source throws with closeOnEnd: false', async () => {
    const { ours } = await dialWs({ closeOnEnd: false })
    // eslint-disable-next-line require-yield
    const failing = (async function * (): AsyncGenerator<Uint8Array> { throw new Error('no more') })()

    await expect(ours.sink(failing)).to.eventually.be.rejectedWith('no more')
    expect(ours.socket.status).to.equal('open')
  })

  it('releases a source that cannot be sent', async () => {
    const { ours } = await dialWs()
    const { source, returned } = silence()
    ours.destroy()

    await expect(ours.sink(source)).to.eventually.be.rejected.with.property('name', 'WebSocketClosedError')
    await returned
  })
})

describe('duplex: the end', () => {
  for (const code of [1000, 1001, undefined]) {
    it(`is clean when the peer closes with ${code ?? 'no code'}`, async () => {
      const { ours, socket } = await dialWs()
      const { source, returned } = silence()
      const written = ours.sink(source)
      socket.send('last')
      socket.close(code)

      expect(await texts(ours.source)).to.deep.equal(['last'])
      await written
      await returned
    })
  }

  for (const code of [1002, 1011, 4999]) {
    it(`raises WebSocketClosedError from both halves when the peer closes with ${code}`, async () => {
      const { ours, socket } = await dialWs()
      const { source, returned } = silence()
      const [written] = await Promise.all([
        expectError(ours.sink(source)),
        (async () => {
          socket.send('last')
          socket.close(code, 'because')

          expect(TEXT.decode((await ours.source.next()).value)).to.equal('last')
          expect(await expectError(ours.source.next())).to.include({ name: 'WebSocketClosedError', code, reason: 'because', wasClean: true })
          // as a generator that has thrown
          expect(await ours.source.next()).to.deep.equal({ done: true, value: undefined })
        })()
      ])

      expect(written).to.include({ name: 'WebSocketClosedError', code, reason: 'because', wasClean: true })
      await returned
    })
  }

  it('raises WebSocketClosedError from both halves when the peer vanishes', async () => {
    const { ours, socket } = await dialWs()
    const errors = Promise.all([expectError(ours.sink(silence().source)), expectError(ours.source.next())])
    socket.terminate()

    for (const error of await errors) {
      expect(error).to.include({ name: 'WebSocketClosedError', code: 1006, wasClean: false })
    }
  })

  it('raises WebSocketClosedError from a sink that waits for the peer to read', async () => {
    const { ours, socket } = await dialWs()
    let taken = 0
    socket.pause()
    const written = expectError(ours.sink(repeat(pattern(65_536), 1024, () => { taken++ })))
    await stalled(() => taken)
    socket.terminate()

    expect(await written).to.include({ name: 'WebSocketClosedError', code: 1006 })
  })

  it('raises WebSocketClosedError from both halves on destroy()', async () => {
    const { ours, socket } = await dialWs()
    const code = closeCode(socket)
    const errors = Promise.all([expectError(ours.sink(silence().source)), expectError(ours.source.next())])
    ours.destroy()

    for (const error of await errors) {
      expect(error).to.include({ name: 'WebSocketClosedError', code: 1006 })
    }

    expect(await code).to.equal(1006)
  })

  it('raises WebSocketClosedError from the sink when the peer does not answer the close', async () => {
    const { near, far } = await channels({ dial: { closeTimeout: 50 } })
    far.pause()
    const { sink, source } = duplex(near)

    expect(await expectError(sink(bytes('unheard')))).to.include({ name: 'WebSocketClosedError', wasClean: false })
    expect(await expectError(source.next())).to.have.property('name', 'WebSocketClosedError')
    far.abort()
  })

  it('comes to a duplex of a closing server with 1001', async () => {
    const { server, accepted } = await ourServer()
    const near = duplex(await dial(server.addresses[0]))
    await accepted

    await server.close()

    expect(await texts(near.source)).to.deep.equal([])
    expect(await near.socket.closed).to.include({ code: 1001, wasClean: true })
  })

  it('of our closing keeps what was on its way to a slow reader', async () => {
    const { near, far } = await channels()
    const paused = onPause(far)
    const { source, close } = duplex(far)
    const count = 8
    await duplex(near, { closeOnEnd: false }).sink(repeat(pattern(65_536), count))
    await paused
    await close()

    expect(await Array.fromAsync(source)).to.have.lengthOf(count)
  })

  it('of our closing raises WebSocketClosedError where that is more than 4 MiB', async () => {
    const { near, far } = await channels({ dial: { highWaterMark: 16_777_216 } })
    const { source, close } = duplex(far)
    void expectError(duplex(near).sink(repeat(pattern(65_536), 128)))
    // all of it is on its way, and the close behind it
    await new Promise(setImmediate)
    await close()
    let received = 0
    let error: any

    try {
      for await (const message of source) {
        received += message.byteLength
      }
    } catch (err) {
      error = err
    }

    expect(error).to.have.property('name', 'WebSocketClosedError')
    expect(error).to.have.nested.property('cause.message').that.includes('reader was slow')
    expect(received).to.be.within(4_000_000, 4_194_304 + 65_536)
  })

  it('of our closing yields nothing behind what was dropped', async () => {
    const { channel, end } = stub()
    const { source, close } = duplex(channel)
    const message = new Uint8Array(4_194_304)
    await close()
    channel.onmessage?.(message, false)
    channel.onmessage?.(message, false)

    expect(await source.next()).to.have.property('value', message)
    const error = expectError(source.next())
    channel.onmessage?.(message, false)
    end({ code: 1000, reason: '', wasClean: true })
    expect(await error).to.include({ name: 'WebSocketClosedError', code: 1000 })
  })

  it('raises WebSocketClosedError when others close what a slow reader reads only then', async () => {
    const { channel, end } = stub()
    const { source } = duplex(channel)
    const message = new Uint8Array(65_536)
    channel.onmessage?.(message, false)
    Object.assign(channel, { status: 'closing' })

    expect(await source.next()).to.have.property('value', message)
    end({ code: 1000, reason: '', wasClean: true })
    expect(await expectError(source.next())).to.include({ name: 'WebSocketClosedError', code: 1000 })
  })

  it('raises WebSocketClosedError when a server closes what a slow reader has not read', async () => {
    const { server, accepted } = await ourServer()
    const near = duplex(await dial(server.addresses[0]))
    const far = await accepted
    const paused = onPause(far)
    const { source } = duplex(far)
    void expectError(near.sink(repeat(pattern(65_536), 8)))
    await paused
    await server.close()

    expect(await source.next()).to.have.property('done', false)
    const error = await expectError(Array.fromAsync(source))
    expect(error).to.include({ name: 'WebSocketClosedError', wasClean: true })
    expect(error).to.have.nested.property('cause.message').that.includes('reader was slow')
  })

  it('of a duplex is waited for by close(), which never rejects', async () => {
    const { ours, socket } = await dialWs()
    await ours.close()
    expect(ours.socket.status).to.equal('closed')
    await ours.close()

    const second = await dialWs()
    second.ours.destroy()
    await second.ours.close()
    socket.terminate()
  })
})

describe('duplex: any chunking', () => {
  for (const mode of ['messages', 'bytes'] as const) {
    it(`arrives equal in mode ${mode}`, async () => {
      const { near, far } = await channels({ dial: { mode }, listen: { mode } })
      const out = duplex(near, { closeOnEnd: false })
      const { source } = duplex(far)
      const chunks = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 20 })

      await fc.assert(fc.asyncProperty(chunks, async (sent) => {
        const total = Buffer.concat(sent)
        const received: Uint8Array[] = []
        const writing = out.sink([...sent, new Uint8Array([0])])

        while (Buffer.concat(received).byteLength <= total.byteLength) {
          received.push((await source.next()).value ?? expect.fail('ended'))
        }

        await writing
        expect(Buffer.concat(received).subarray(0, -1)).to.equalBytes(total)

        if (mode === 'messages') {
          expect(received.map(({ byteLength }) => byteLength).slice(0, -1)).to.deep.equal(sent.map(({ byteLength }) => byteLength))
        }
      }))
    })
  }
})
