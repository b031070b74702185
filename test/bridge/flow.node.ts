/** Back-pressure, end to end: who does not read stalls who sends, and nothing is lost. */
import { expect } from 'aegir/chai'
import { cleanUp } from '../fixtures/clean-up.ts'
import { delay } from '../fixtures/delay.ts'
import { until } from '../fixtures/until.ts'
import { portOf } from '../server/fixtures.ts'
import { openClient, openSocket, startBridge, startTarget, urlOf } from './fixtures.ts'
import type { Socket } from 'node:net'

const GIB = 1_073_741_824
const CHUNK = Buffer.alloc(65_536, 'x')

/** What may be on its way between two ends: the buffers of four sockets, and what we hold. */
const ON_ITS_WAY = 40_000_000

/** Sends that much, at the pace of whoever reads, and then its end. */
function pour (socket: Socket, size: number): () => number {
  let sent = 0
  const write = (): void => {
    while (sent < size) {
      sent += CHUNK.length

      if (!socket.write(CHUNK)) {
        socket.once('drain', write)
        return
      }
    }

    socket.end()
  }

  write()

  return () => sent - socket.writableLength
}

/** Resolves when a count has stood still for some turns of the event loop. */
async function still (count: () => number): Promise<number> {
  let last = -1

  while (last !== count()) {
    last = count()
    await delay(50)
  }

  return last
}

describe('bridge flow', function () {
  this.timeout(60_000)

  for (const framing of ['binary', 'auto']) {
    it(`stalls the target of a client that does not read, and then loses nothing of 1 GiB, as ${framing}`, async function () {
      const size = framing === 'binary' ? GIB : GIB / 16
      const { url, next } = await startTarget()
      const bridge = await startBridge('/ip4/127.0.0.1/tcp/0/ws', { target: url, framing })
      const target = next()
      const { socket, closed } = await openClient(urlOf(bridge))
      let received = 0
      socket.removeAllListeners('message')
      socket.on('message', (data: Buffer) => { received += data.length })
      socket.pause()

      const before = process.memoryUsage().rss
      const sent = pour(await target, size)
      expect(await still(sent)).to.be.below(Math.min(ON_ITS_WAY, size))
      expect(process.memoryUsage().rss - before, 'memory').to.be.below(ON_ITS_WAY * 2)

      // a reader that stops now and then
      const slow = setInterval(() => { socket.isPaused ? socket.resume() : socket.pause() }, 20)
      cleanUp(() => { clearInterval(slow) })
      await until(() => sent() > size / 8)
      clearInterval(slow)
      socket.resume()
      expect(await closed).to.include({ code: 1000 })
      expect(received).to.equal(size)
    })
  }

  it('stalls the client of a target that does not read, and then loses nothing', async () => {
    const size = GIB / 8
    const { url, next } = await startTarget()
    const inner = await startBridge('/ip4/127.0.0.1/tcp/0/ws', { target: url })
    const outer = await startBridge('tcp://127.0.0.1:0', { target: urlOf(inner) })
    const target = next()
    const { socket } = await openSocket(portOf(outer.addresses[0]))
    const far = await target
    let received = 0
    far.pause()
    const sent = pour(socket, size)
    expect(await still(sent)).to.be.below(ON_ITS_WAY)

    far.on('data', data => { received += data.length })
    far.on('end', () => { far.end() })
    far.resume()
    await until(() => far.destroyed)
    expect(received).to.equal(size)
    await until(() => inner.sessions + outer.sessions === 0)
  })
})
