/** Peers that are many, that never read, that flood, or that vanish in the middle of a message. */
import { connect as tcpConnect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'aegir/chai'
import * as sp from '../../src/sp/index.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { until } from '../fixtures/until.ts'
import { rawClient, upgradeRequest } from '../server/fixtures.ts'
import { event, freeUrl, open, peers, text, wire } from './fixtures.ts'

const portOf = (url: string): number => Number(new URL(url).port)

describe('sp faults', function () {
  this.timeout(20_000)

  it('has 1000 pipes, and none afterwards', async () => {
    const url = await freeUrl()
    const replier = sp.rep()
    await replier.listen(url)
    void (async () => { for await (const request of replier) { await request.reply(request.body) } })()
    const requesters = Array.from({ length: 1_000 }, () => sp.req())
    cleanUp(async () => Promise.all([replier, ...requesters].map(async socket => socket.close())))

    for (let at = 0; at < requesters.length; at += 100) {
      await Promise.all(requesters.slice(at, at + 100).map(async requester => requester.dial(url)))
    }

    await peers(replier, 1_000)
    const replies = await Promise.all(requesters.map(async (requester, i) => text(await requester.request(`${i}`))))
    expect(replies).to.deep.equal(requesters.map((_, i) => `${i}`))
    await replier.close()
    await until(() => requesters.every(({ pipeCount }) => pipeCount === 0))
  })

  it('holds a bounded part for a peer that asks, floods and never reads its answers', async () => {
    const url = await freeUrl()
    const replier = open(sp.rep({ receiveBuffer: 4 }))
    await replier.listen(url)
    let answered = 0
    void (async () => {
      for await (const request of replier) {
        await request.reply(new Uint8Array(65_536))
        answered++
      }
    })()
    const peer = await wire(url, 'rep')
    peer.pause()

    for (let i = 0; i < 1_000; i++) {
      peer.send(Buffer.from('80000001', 'hex'))
    }

    // others are served in the meantime
    const good = open(sp.req())
    await good.dial(url)
    await good.request('?')
    await delay(300)
    const stalled = answered
    await delay(100)
    expect(answered).to.equal(stalled)
    expect(answered).to.be.lessThan(200)
    await good.request('?')

    peer.resume()
    await peer.inbox.until(({ messages: { length } }) => length === 1_000)
  })

  it('holds a bounded part of a flood that nobody takes', async () => {
    const url = await freeUrl()
    const puller = open(sp.pull({ receiveBuffer: 10 }))
    await puller.listen(url)
    const floods = await Promise.all(Array.from({ length: 20 }, async () => wire(url, 'pull')))
    await peers(puller, 20)
    const message = new Uint8Array(100_000)
    const before = process.memoryUsage().arrayBuffers

    floods.forEach(flood => { for (let i = 0; i < 100; i++) { flood.send(message) } })
    await delay(300)
    const unsent = floods.map(({ socket }) => socket.bufferedAmount)
    await delay(100)
    // they are slowed down, and nothing moves any more
    expect(floods.map(({ socket }) => socket.bufferedAmount)).to.deep.equal(unsent)
    expect(Math.min(...unsent)).to.be.greaterThan(1_000_000)
    expect(process.memoryUsage().arrayBuffers - before - unsent.reduce((a, b) => a + b)).to.be.lessThan(20_000_000)

    for (let i = 0; i < 2_000; i++) {
      expect(await puller.receive()).to.have.length(100_000)
    }
  })

  it('delivers nothing of a message whose sender vanishes', async () => {
    const url = await freeUrl()
    const puller = open(sp.pull())
    await puller.listen(url)
    const client = await rawClient(portOf(url), upgradeRequest({ 'Sec-WebSocket-Protocol': 'pull.sp.nanomsg.org' }))
    await client.receives('101 Switching Protocols')
    // a whole message, and half of one
    client.socket.write(Buffer.from('82820000000041428284000000004344', 'hex'))
    expect(text(await puller.receive())).to.equal('AB')
    const removed = event(puller, 'pipe:remove')
    client.socket.destroy()

    expect((await removed).close.code).to.equal(1006)
    await expect(puller.receive({ timeout: 50 })).to.eventually.be.rejected.with.property('name', 'TimeoutError')
  })

  it('delivers each message of a pusher once at most, through disconnects', async () => {
    const url = await freeUrl()
    const puller = open(sp.pull())
    await puller.listen(url)
    const pusher = open(sp.push({ reconnectMin: 5 }))
    await pusher.dial(url)
    const received: string[] = []
    void (async () => { for await (const message of puller) { received.push(text(message.subarray(0, 4))) } })()
    puller.addEventListener('pipe:add', ({ detail }) => { setTimeout(() => { void detail.close() }, 5) })

    for (let i = 1_000; i < 1_300; i++) {
      await pusher.send(Buffer.concat([Buffer.from(`${i}`), Buffer.alloc(100_000)]))
    }

    await pusher.close()
    expect(new Set(received).size).to.equal(received.length)
    expect(received).to.deep.equal([...received].sort())
    expect(received).to.not.be.empty()
  })

  it('brings every request its reply, once, through disconnects', async () => {
    const url = await freeUrl()
    const replier = open(sp.rep())
    await replier.listen(url)
    void (async () => { for await (const request of replier) { await request.reply(request.body) } })()
    const requester = open(sp.req({ reconnectMin: 5 }))
    let disconnects = 0
    // later each time, so that in the end all that waits can be answered in between
    requester.addEventListener('pipe:add', ({ detail }) => { setTimeout(() => { void detail.close() }, 5 * ++disconnects) })
    await requester.dial(url)

    const replies = await Promise.all(Array.from({ length: 2_000 }, async (_, i) => {
      await delay(i / 10)
      return text(await requester.request(`${i}`))
    }))

    expect(replies).to.deep.equal(replies.map((_, i) => `${i}`))
    expect(disconnects).to.be.greaterThan(2)
  })

  it('closes at once while it dials, waits to dial again, and is dialled', async () => {
    const url = await freeUrl()
    const sockets = Array.from({ length: 20 }, () => sp.push({ reconnectMin: 60_000 }))
    await Promise.all(sockets.map(async socket => socket.dial(url, { background: true })))
    await delay(20)
    await Promise.all(sockets.map(async socket => socket.close()))

    for (let i = 0; i < 20; i++) {
      const puller = sp.pull()
      await puller.listen(url)
      const pusher = sp.push()
      const dialling = pusher.dial(url).catch(() => {})
      const raw = tcpConnect(portOf(url), '127.0.0.1')
      raw.on('error', () => {})
      await delay(i / 4)
      await Promise.all([pusher.close(), puller.close()])
      await dialling
      raw.destroy()
      expect([pusher.pipeCount, puller.pipeCount]).to.deep.equal([0, 0])
    }
  })
})
