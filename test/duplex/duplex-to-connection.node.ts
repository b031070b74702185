import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { transportSymbol } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { duplexPair } from 'it-pair/duplex'
import { createLibp2p } from 'libp2p'
import { duplex, duplexToConnection } from '../../src/duplex/index.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { closed, pattern, read, stall } from '../fixtures/streams.ts'
import { channels, dialItWs } from './fixtures.ts'
import type { ByteDuplex } from '../../src/duplex/index.ts'
import type { Libp2p, MessageStreamDirection, MultiaddrConnection, Transport, Upgrader } from '@libp2p/interface'
import type { Socket } from 'node:net'

/** A TCP socket as it-stream sees it. */
function socketToDuplex (socket: Socket): ByteDuplex {
  return {
    source: socket,
    sink: async (source) => {
      for await (const data of source) {
        if (!socket.write(data)) {
          await once(socket, 'drain')
        }
      }

      socket.end()
    },
    destroy: () => { socket.resetAndDestroy() }
  }
}

async function sockets (): Promise<[Socket, Socket]> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const near = connect(server.address() as any)
  const [far] = await once(server, 'connection')

  cleanUp(() => {
    near.destroy()
    far.destroy()
    server.close()
  })

  return [near, far]
}

type Duplexes = [ByteDuplex, ByteDuplex]

/** Its ends cannot be compared in everything: a reset looks like an end to it-ws, and it reads without bound. */
const IT_WS = 'WebSocket, ours and it-ws\'s'

const PAIRS: Record<string, () => Promise<Duplexes>> = {
  'memory, it-pair': async () => duplexPair<Uint8Array>() as Duplexes,
  'WebSocket, ours': async () => {
    const { near, far } = await channels()
    return [duplex(near), duplex(far)]
  },
  [IT_WS]: async () => {
    const { ours, theirs } = await dialItWs()
    return [ours, theirs]
  },
  TCP: async () => {
    const [near, far] = await sockets()
    return [socketToDuplex(near), socketToDuplex(far)]
  }
}

function connections ([near, far]: Duplexes): [MultiaddrConnection, MultiaddrConnection] {
  return [toConnection(near, 'outbound'), toConnection(far, 'inbound')]
}

function toConnection (end: ByteDuplex, direction: MessageStreamDirection): MultiaddrConnection {
  const maConn = duplexToConnection(end, {
    remoteAddr: multiaddr('/memory/test'),
    direction,
    log: defaultLogger().forComponent(`test:${direction}`)
  })
  cleanUp(() => { maConn.abort(new Error('the test is over')) })

  return maConn
}

/** A node without a network, and what it would give its transport. */
async function createUpgrader (): Promise<{ node: Libp2p, upgrader: Upgrader }> {
  let upgrader: Upgrader | undefined
  const node = await createLibp2p({
    transports: [(components: any) => {
      upgrader = components.upgrader
      return { [transportSymbol]: true, [Symbol.toStringTag]: 'test', listenFilter: () => [], dialFilter: () => [] } as unknown as Transport
    }],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false }
  })
  cleanUp(async () => node.stop())

  return { node, upgrader: upgrader ?? expect.fail('no transport was made') }
}

for (const [name, create] of Object.entries(PAIRS)) {
  describe(`duplexToConnection: over ${name}`, () => {
    it('sends bytes in both directions', async () => {
      const [near, far] = connections(await create())
      const up = pattern(3_000_000)
      const down = pattern(1_000_001)
      const received = Promise.all([read(far, up.byteLength), read(near, down.byteLength)])
      near.send(up)
      far.send(down)

      const [gotUp, gotDown] = await received
      expect(gotUp).to.equalBytes(up)
      expect(gotDown).to.equalBytes(down)
    })

    it('closes both ends, with all that was sent', async () => {
      const [near, far] = connections(await create())
      const data = pattern(1_000_000)
      const received = read(far, data.byteLength)
      const event = closed(far)
      near.send(data)
      await near.close()

      expect(await received).to.equalBytes(data)
      expect((await event).error).to.equal(undefined)
    })

    it('upgrades with noise and yamux, and echoes 4 MiB', async () => {
      const [ends, dialler, listener] = await Promise.all([create(), createUpgrader(), createUpgrader()])
      const [near, far] = connections(ends)
      const data = pattern(4_194_304)

      await listener.node.handle('/echo/1.0.0', async (stream) => {
        for await (const chunk of stream) {
          if (!stream.send(chunk)) {
            await stream.onDrain()
          }
        }

        await stream.close()
      })

      const signal = AbortSignal.timeout(10_000)
      const [connection] = await Promise.all([
        dialler.upgrader.upgradeOutbound(near, { signal }),
        listener.upgrader.upgradeInbound(far, { signal })
      ])
      const stream = await connection.newStream('/echo/1.0.0')
      const received = read(stream, data.byteLength)

      for (let i = 0; i < data.byteLength; i += 65_536) {
        if (!stream.send(data.subarray(i, i + 65_536))) {
          await stream.onDrain()
        }
      }

      expect(await received).to.equalBytes(data)
      expect(connection).to.include({ encryption: '/noise', multiplexer: '/yamux/1.0.0' })

      const event = closed(far)
      await connection.close()
      await event
    })

    it('ends the other end too on abort()', async () => {
      const [near, far] = connections(await create())
      const event = closed(far)
      near.abort(new Error('enough'))
      await event

      expect(far.status).to.equal(name === IT_WS ? 'closed' : 'reset')
    })

    if (name !== IT_WS) {
      it('stops a sender whose receiver is paused, and loses nothing', async () => {
        const [near, far] = connections(await create())
        let received = 0
        far.addEventListener('message', ({ data }) => { received += data.byteLength })
        far.pause()

        const sent = await stall(near)
        expect(sent).to.be.below(64 * 1_048_576)
        expect(far.readBufferLength).to.be.at.most(131_072)

        const event = closed(far)
        far.resume()
        await near.close()
        await event
        expect(received).to.equal(sent)
      })
    }
  })
}
