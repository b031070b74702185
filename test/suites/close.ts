import { expect } from 'aegir/chai'
import { equals } from 'uint8arrays/equals'
import { pattern } from '../fixtures/streams.ts'
import { collect } from './peer.ts'
import type { Traits } from './channel.ts'
import type { OpenPair } from './peer.ts'
import type { ChannelClose } from '../../src/channel/index.ts'

/** The others are codes to every end alike. */
const SENDABLE = [1000, 1011, 1014, 3000, 4999]
const RESERVED = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535, NaN]

/** A channel ends once, in bounded time, and says how. */
export function close (open: OpenPair, { sentCode, abortCode, readsWhileClosing }: Traits): void {
  it('closes with any code that may be sent', async () => {
    for (const code of SENDABLE) {
      const { channel, peer } = await open()

      await channel.close(code, 'good bye')

      expect(await peer.closed).to.include({ code: sentCode(code), reason: 'good bye' })
      expect(await channel.closed).to.include({ code: sentCode(code), wasClean: true, error: undefined })
    }
  })

  it('says how the peer closed, and answers with its code', async () => {
    for (const code of SENDABLE) {
      const { channel, peer } = await open()
      collect(channel)

      peer.close(code, 'é'.repeat(61))

      expect(await channel.closed).to.deep.equal({ code, reason: 'é'.repeat(61), wasClean: true, error: undefined })
      expect(await peer.closed).to.include({ code })
    }
  })

  it('stays open when asked to close with a code or reason that may not be sent', async () => {
    const { channel, peer } = await open()

    for (const code of RESERVED) {
      await expect(channel.close(code), `${code}`).to.eventually.be.rejected.with.property('name', 'InvalidParametersError')
    }

    await expect(channel.close(1000, 'é'.repeat(62))).to.eventually.be.rejected.with.property('name', 'InvalidParametersError')
    expect(channel.status).to.equal('open')
    channel.send(pattern(5))
    await peer.inbox.until(({ size }) => size === 5)
  })

  it('closes when both ends do at once', async () => {
    const { channel, peer } = await open()

    peer.close(3001)
    await channel.close(3002)

    // whose Close frame is first on a busy machine, nobody knows
    const closes = [await channel.closed, await peer.closed]
    closes.forEach(({ code }) => { expect(code).to.be.oneOf([3001, 3002]) })
    expect(closes[0]).to.include({ wasClean: true })
  })

  for (const mode of ['messages', 'bytes'] as const) {
    it(`sends everything before it closes, in mode ${mode}`, async () => {
      const { channel, peer } = await open({ mode })
      const data = pattern(3_000_000)

      channel.send(data.subarray(0, 2_999_999))
      channel.send(data.subarray(2_999_999))
      await channel.close()

      expect(await peer.closed).to.include({ code: 1000 })
      expect(equals(peer.inbox.bytes, data)).to.equal(true)
    })

    it(`delivers everything that the peer sent before it closed, then says so once, in mode ${mode}`, async () => {
      const { channel, peer } = await open({ mode })
      const inbox = collect(channel)
      const closes: number[] = []
      const data = pattern(3_000_000)
      channel.onclose = () => { closes.push(inbox.size) }

      peer.send(data)
      peer.close()
      await peer.closed
      await channel.closed
      channel.abort()
      await channel.close()

      expect(closes).to.deep.equal([data.length])
      expect(equals(inbox.bytes, data)).to.equal(true)
    })

    it(`keeps what came before the peer's close until it is resumed, in mode ${mode}`, async () => {
      const { channel, peer } = await open({ mode })
      const inbox = collect(channel)
      channel.pause()

      peer.send(pattern(100))
      peer.close(4000)
      channel.resume()

      expect(await channel.closed).to.include({ code: 4000, wasClean: true })
      expect(inbox.bytes).to.deep.equal(pattern(100))
    })
  }

  if (readsWhileClosing) {
    it('delivers what still comes in while it closes', async () => {
      const { channel, peer } = await open()
      const inbox = collect(channel)

      peer.send(pattern(1))
      peer.send(pattern(500_000))
      await inbox.until(({ size }) => size > 0)
      await channel.close()

      expect(inbox.size).to.equal(500_001)
      expect(await channel.closed).to.include({ code: 1000, wasClean: true })
    })
  }

  it('closes while it is paused, or nobody listens, and drops what it would not take', async () => {
    for (const listens of [true, false]) {
      const { channel, peer } = await open()
      const inbox = listens ? collect(channel) : undefined
      channel.pause()
      peer.send(pattern(500_000))

      await channel.close()

      expect(await channel.closed).to.include({ code: 1000, wasClean: true })
      expect(inbox?.size ?? 0).to.equal(0)
    }
  })

  it('ends both sockets at once when it is aborted, and says with what', async () => {
    const { channel, peer } = await open()
    const inbox = collect(channel)
    const error = new Error('enough')

    peer.send(pattern(100))
    channel.send(pattern(1_000_000))
    channel.abort(error)
    channel.abort(new Error('again'))

    expect(await channel.closed).to.deep.equal({ code: 1006, reason: '', wasClean: false, error })
    expect(await peer.closed).to.include({ code: abortCode })
    expect(inbox.size).to.equal(0)
    expect(channel.status).to.equal('closed')
    expect(channel.bufferedAmount).to.equal(0)
  })

  it('is aborted with what the receiver throws, and delivers nothing more', async () => {
    const { channel, peer } = await open()
    const error = new Error('the receiver failed')
    let calls = 0
    channel.onmessage = () => {
      calls++
      throw error
    }

    peer.send(pattern(1))
    peer.send(pattern(1))

    expect(await channel.closed).to.include({ code: 1006, wasClean: false, error })
    expect(await peer.closed).to.include({ code: abortCode })
    expect(calls).to.equal(1)
  })

  it('is not clean when the peer is gone without a Close frame', async () => {
    const { channel, peer } = await open()
    collect(channel)

    peer.vanish()

    expect(await channel.closed).to.include({ code: 1006, reason: '', wasClean: false })
  })

  it('refuses to send once it closes, is aborted, or the peer has closed', async () => {
    for (const end of ['close', 'abort', 'peer'] as const) {
      const { channel, peer } = await open()
      collect(channel)

      if (end === 'peer') {
        peer.close()
        await channel.closed
      } else {
        void channel[end]()
      }

      expect(() => channel.send(pattern(1))).to.throw().with.property('name', 'ConnectionClosedError')
      await channel.closed
      expect(() => channel.send(pattern(1))).to.throw().with.property('name', 'ConnectionClosedError')
    }
  })

  it('calls a listener for the close that comes late, once', async () => {
    const { channel } = await open()
    const calls: ChannelClose[] = []
    await channel.close()

    channel.onclose = close => { calls.push(close) }
    expect(calls).to.deep.equal([])
    await Promise.resolve()

    expect(calls).to.deep.equal([await channel.closed])
  })

  it('calls one listener for the close, however often that is set', async () => {
    const { channel } = await open()
    const calls: string[] = []
    await channel.close()

    channel.onclose = () => { calls.push('first') }
    channel.onclose = undefined
    channel.onclose = () => { calls.push('second') }
    await Promise.resolve()
    channel.onclose = undefined
    channel.onclose = () => { calls.push('third') }
    await Promise.resolve()

    expect(calls).to.deep.equal(['second'])
  })
}
