import { expect } from 'aegir/chai'
import { dial } from '../../src/channel/index.ts'
import { until } from '../fixtures/until.ts'
import { echo, startBridge, startTarget, urlOf } from './fixtures.ts'
import type { Channel } from '../../src/channel/index.ts'
import type { Socket } from 'node:net'

const SESSIONS = 1_000

/** As many handshakes under way as a listening socket keeps waiting. */
const AT_ONCE = 100

describe('bridge, 1 000 sessions at once', function () {
  this.timeout(60_000)

  it('keeps them apart, counts them, and leaves nothing of them', async () => {
    /** By channel: they may come in any order. */
    const sockets: Socket[] = []
    const { url } = await startTarget(socket => {
      echo(socket)
      socket.once('data', data => { sockets[Number.parseInt(data.toString())] = socket })
    })
    const bridge = await startBridge('/ip4/127.0.0.1/tcp/0/ws', { target: url })
    const channels: Channel[] = []

    while (channels.length < SESSIONS) {
      channels.push(...await Promise.all(Array.from({ length: AT_ONCE }, async () => dial(urlOf(bridge)))))
    }

    expect(bridge.sessions).to.equal(SESSIONS)
    expect(bridge.metrics()).to.match(/^bridge_sessions 1000$/m)

    const replies = await Promise.all(channels.map(async (channel, i) => new Promise<string>(resolve => {
      let text = ''
      channel.onmessage = data => {
        text += Buffer.from(data).toString()

        if (text.endsWith(';')) {
          resolve(text)
        }
      }
      channel.send(Buffer.from(`${i};`))
    })))
    expect(replies).to.deep.equal(channels.map((_, i) => `${i};`))

    // a third of the clients dies, a third of the targets, and a third is closed
    channels.forEach((channel, i) => {
      if (i % 3 === 0) {
        channel.abort()
      } else if (i % 3 === 1) {
        sockets[i].resetAndDestroy()
      } else {
        void channel.close()
      }
    })
    await Promise.all(channels.map(async ({ closed }) => closed))
    await until(() => bridge.sessions === 0)

    const metrics = bridge.metrics()
    const bytes = replies.reduce((sum, { length }) => sum + length, 0)
    expect(metrics).to.match(/^bridge_sessions 0$/m).and.match(/^bridge_sessions_opened_total 1000$/m)
    expect(metrics).to.include(`bridge_bytes_total{from="client"} ${bytes}\n`).and.include(`bridge_bytes_total{from="target"} ${bytes}\n`)
    await until(() => sockets.every(({ destroyed }) => destroyed))
  })
})
