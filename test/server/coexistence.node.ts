/** The other users of a server that was handed over, and of its upgrade requests. */
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { Server as SocketIo } from 'socket.io'
import { io } from 'socket.io-client'
import { createServer as createVite } from 'vite'
import { WebSocket } from 'ws'
import { cleanUp } from '../fixtures/clean-up.ts'
import { delay } from '../fixtures/delay.ts'
import { until } from '../fixtures/until.ts'
import { exchange, open, serve } from './fixtures.ts'
import type { AddressInfo } from 'node:net'
import type { Socket } from 'socket.io-client'

const PATH = '/ip4/127.0.0.1/tcp/0/ws/http-path/libp2p'

describe('beside Socket.IO', () => {
  /** It ends upgrade requests that nobody has answered after this time, ms; by default a second. */
  const destroyUpgradeTimeout = 30

  const startSocketIo = async (): Promise<{ server: ReturnType<typeof createServer>, connect (): Socket }> => {
    const server = createServer()
    const sockets = new SocketIo(server, { destroyUpgradeTimeout })
    sockets.on('connection', socket => { socket.on('echo', (text, answer) => { answer(text) }) })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    cleanUp(async () => sockets.close())

    return {
      server,
      connect () {
        const socket = io(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { forceNew: true })
        cleanUp(() => socket.disconnect())

        return socket
      }
    }
  }

  it('both work, from polling to WebSocket, and neither ends what is the other\'s', async () => {
    const { server, connect } = await startSocketIo()
    const ours = await serve({ server }, PATH)
    const channel = await open(ours.server.addresses[0])
    const socket = connect()
    await until(() => socket.connected && socket.io.engine.transport.name === 'websocket')

    await delay(2 * destroyUpgradeTimeout)
    await expect(socket.emitWithAck('echo', 'theirs')).to.eventually.equal('theirs')
    await expect(exchange(channel, 'ours')).to.eventually.equal('ours')

    await ours.server.close()
    await expect(socket.emitWithAck('echo', 'still there')).to.eventually.equal('still there')
    const another = connect()
    await until(() => another.connected)
  })
})

describe('beside the hot reload of Vite', () => {
  it('pages are told of changes, and WebSockets are accepted', async function () {
    this.timeout(20_000)

    const root = await mkdtemp(join(tmpdir(), 'ws-'))
    cleanUp(async () => rm(root, { recursive: true }))
    await writeFile(join(root, 'index.html'), 'a page')
    const vite = await createVite({ root, configFile: false, logLevel: 'silent', optimizeDeps: { noDiscovery: true }, server: { port: 0, host: '127.0.0.1' } })
    cleanUp(async () => vite.close())
    await vite.listen()

    if (vite.httpServer == null) {
      throw new Error('it has no server')
    }

    const { port } = vite.httpServer.address() as AddressInfo
    const ours = await serve({ server: vite.httpServer }, PATH)
    const page = new WebSocket(`ws://127.0.0.1:${port}/?token=${vite.config.webSocketToken}`, 'vite-hmr')
    cleanUp(() => { page.terminate() })
    const messages: string[] = []
    page.on('message', (data: Buffer) => { messages.push(JSON.parse(data.toString()).type) })
    await once(page, 'message')
    await expect(exchange(await open(ours.server.addresses[0]), 'ours')).to.eventually.equal('ours')

    vite.ws.send({ type: 'full-reload' })
    await once(page, 'message')
    expect(messages).to.deep.equal(['connected', 'full-reload'])
  })
})
