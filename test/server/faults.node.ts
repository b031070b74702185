import { once } from 'node:events'
import { connect as tcpConnect } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { connect as tlsConnect } from 'node:tls'
import { expect } from 'aegir/chai'
import { createCertificate } from '../fixtures/certificate.ts'
import { echo, exchange, open, serve, upgradeRequest } from './fixtures.ts'
import type { Socket } from 'node:net'

const CONNECTIONS = 200
const BATCH = 25

/** An upgrade request, and the beginning of a message that never ends. */
const SCRIPT = Buffer.from(`${upgradeRequest({}, 'GET /much HTTP/1.1')}\x82\xff\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00payload`, 'latin1')

/** Open a connection, get as far as `bytes` of the script, and vanish; `turns` of the event loop later. */
async function vanish (port: number, { tls, bytes, turns, reset }: { tls: boolean, bytes: number, turns: number, reset: boolean }): Promise<void> {
  const raw = tcpConnect(port, '127.0.0.1')
  raw.on('error', () => {})
  await once(raw, 'connect')
  let socket: Socket = raw

  if (tls) {
    socket = tlsConnect({ socket: raw, rejectUnauthorized: false })
    socket.on('error', () => {})

    // without a byte to send, it ends in the midst of the TLS handshake
    if (bytes > 0) {
      await once(socket, 'secureConnect')
    }
  }

  socket.write(SCRIPT.subarray(0, bytes))

  for (let i = 0; i < turns; i++) {
    await nextTurn()
  }

  const closed = new Promise(resolve => { raw.once('close', resolve) })

  if (reset) {
    raw.resetAndDestroy()
  } else {
    raw.destroy()
  }

  await closed
}

describe('faults', () => {
  it(`serves on while ${CONNECTIONS} clients vanish at every stage, and forgets them all`, async () => {
    const served = await serve({ https: await createCertificate(), closeTimeout: 60_000, handshakeTimeout: 60_000 }, undefined, (channel, request) => {
      echo(channel)

      // so that they vanish while they are sent to
      if (request.url === '/much') {
        channel.send(new Uint8Array(1_000_000))
      }
    })
    const { server, port, channels, failures, accepted } = served
    const good = [await open(server.addresses[0]), await open(server.addresses[1], { tls: { rejectUnauthorized: false } })]
    await accepted(2)

    for (let done = 0; done < CONNECTIONS; done += BATCH) {
      const batch = Array.from({ length: BATCH }, async (_, i) => vanish(port, {
        tls: i % 2 === 0,
        // all of it in every second one, all lengths in the others
        bytes: i % 5 === 0 ? 0 : Math.min(SCRIPT.length, (done + i) * 37 % (2 * SCRIPT.length)),
        turns: (done + i) % 7,
        reset: i % 3 > 0
      }))

      await Promise.all(good.map(async channel => {
        await expect(exchange(channel, `batch ${done}`)).to.eventually.equal(`batch ${done}`)
      }))
      await Promise.all(batch)
    }

    await served.connected(CONNECTIONS + 2)

    while (channels.length + failures.length < CONNECTIONS + 2 || server.channels > 2) {
      await nextTurn()
    }

    expect(channels.length).to.be.greaterThan(2)
    expect(new Set(failures.map(({ stage }) => stage))).to.include.keys('accept', 'tls', 'request', 'upgrade')
    await expect(exchange(good[0], 'at last')).to.eventually.equal('at last')
    await server.close()
    expect(served.connections).to.equal(CONNECTIONS + 2)
    expect(channels.length + failures.length).to.equal(CONNECTIONS + 2)
  })
})
