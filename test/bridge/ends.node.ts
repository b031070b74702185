/** How sessions end: behind everything that came before, and as what it was. */
import { once } from 'node:events'
import { expect } from 'aegir/chai'
import { WebSocketServer } from 'ws'
import { framings } from '../../src/bridge/index.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { until } from '../fixtures/until.ts'
import { portOf, rawClient, upgradeRequest } from '../server/fixtures.ts'
import { Inbox } from '../suites/peer.ts'
import { echo, openClient, openSocket, startBridge, startTarget, urlOf } from './fixtures.ts'
import type { Target } from './fixtures.ts'
import type { Bridge, BridgeOptions } from '../../src/bridge/index.ts'
import type { AddressInfo, Socket } from 'node:net'
import type { WebSocket } from 'ws'

const WS = '/ip4/127.0.0.1/tcp/0/ws'

interface Session {
  bridge: Bridge
  client: Awaited<ReturnType<typeof openClient>>
  /** The other end of what the bridge dialled. */
  far: Socket
  inbox: Inbox
  farError (): Error | undefined
}

async function open (options: Partial<BridgeOptions> = {}, target?: Target): Promise<Session> {
  const behind = target ?? await startTarget()
  const bridge = await startBridge(WS, { target: behind.url, ...options })
  const next = behind.next()
  const client = await openClient(urlOf(bridge))
  const far = await next
  const inbox = new Inbox()
  let error: Error | undefined
  far.on('error', err => { error = err })
  far.on('data', (data: Buffer) => { inbox.add(data, false) })

  return { bridge, client, far, inbox, farError: () => error }
}

describe('bridge ends: WebSocket to TCP', () => {
  it('closes with 1000 when the target ends, behind what it sent', async () => {
    const { client, far } = await open()
    far.end(Buffer.alloc(300_000))
    expect(await client.closed).to.deep.equal({ code: 1000, reason: '' })
    expect(client.inbox.size).to.equal(300_000)
  })

  it('flushes what the framing holds, then closes', async () => {
    const { client, far } = await open({ framing: 'newline:lf' })
    far.end('no line end')
    expect(await client.closed).to.include({ code: 1000 })
    expect(client.inbox.text).to.equal('no line end')
  })

  it('closes with 1014 when the target is reset', async () => {
    const { client, far } = await open()
    far.resetAndDestroy()
    expect(await client.closed).to.include({ code: 1014 })
  })

  it('ends the target behind what the client sent, when it closes', async () => {
    const { client, far, inbox, farError } = await open()
    client.socket.send(Buffer.alloc(300_000))
    client.socket.close(1000)
    await once(far, 'end')
    expect(inbox.size).to.equal(300_000)
    far.end()
    await once(far, 'close')
    expect(farError()).to.equal(undefined)
  })

  it('takes a client that goes away, or says nothing, for one that is done', async () => {
    for (const code of [1001, undefined]) {
      const { client, far, farError } = await open()
      client.socket.close(code)
      await once(far, 'end')
      far.end()
      await once(far, 'close')
      expect(farError()).to.equal(undefined)
    }
  })

  it('resets the target when the client dies, behind what it sent', async () => {
    const { client, far, inbox, farError } = await open()
    client.socket.send('last words')
    await inbox.until(({ size }) => size === 10)
    client.socket.terminate()
    await until(() => far.destroyed)
    expect(farError()).to.have.property('code', 'ECONNRESET')
    expect(inbox.text).to.equal('last words')
  })

  it('passes on no part of a frame that stays unfinished in message mode, and what came of it in byte mode', async () => {
    for (const [framing, expected] of [['auto', ''], ['binary', 'half']]) {
      const target = await startTarget()
      const bridge = await startBridge(WS, { target: target.url, framing })
      const next = target.next()
      // FIN, binary, masked with zeros, 8 bytes announced
      const client = await rawClient(portOf(bridge.addresses[0]), upgradeRequest())
      await client.receives('\r\n\r\n')
      const far = await next
      const inbox = new Inbox()
      far.on('data', (data: Buffer) => { inbox.add(data, false) })
      client.socket.write(Buffer.concat([Buffer.from([0x82, 0x88, 0, 0, 0, 0]), Buffer.from('half')]))

      if (expected !== '') {
        await inbox.until(({ size }) => size === 4)
      }

      client.socket.end()
      await until(() => far.destroyed)
      expect(inbox.text).to.equal(expected)
    }
  })

  it('closes with 1009 on a message over the limit', async () => {
    const { client, far } = await open({ maxMessage: 100 })
    client.socket.send(Buffer.alloc(101))
    expect(await client.closed).to.include({ code: 1009 })
    await until(() => far.destroyed)
  })

  it('closes with 1009 when a framing finds no end within its limit', async () => {
    const { client, far, bridge } = await open({ framing: framings.newline('lf', { maxMessage: 100 }) })
    far.write(Buffer.alloc(1_000))
    expect(await client.closed).to.include({ code: 1009 })
    await until(() => bridge.sessions === 0)
  })

  it('closes with 1011 when a framing fails, and ends no other session', async () => {
    let calls = 0
    const { client, far, bridge } = await open({
      async * framing (source) {
        const bad = ++calls === 1

        for await (const data of source) {
          if (bad) {
            throw new Error('what is this?')
          }

          yield { data, text: false }
        }
      }
    })
    const other = await openClient(urlOf(bridge))
    far.write('a')
    expect(await client.closed).to.deep.equal({ code: 1011, reason: 'what is this?' })
    other.socket.ping()
    await once(other.socket, 'pong')
  })

  it('is not stopped by a target that neither reads nor ends', async () => {
    const { client, far, bridge } = await open({ closeTimeout: 50 })
    far.pause()
    client.socket.close(1000)
    await client.closed
    await until(() => bridge.sessions === 0)
  })
})

describe('bridge ends: between WebSockets', () => {
  async function chain (): Promise<{ near: Awaited<ReturnType<typeof openClient>>, far: Promise<WebSocket> }> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await once(server, 'listening')
    cleanUp(() => {
      server.clients.forEach(client => { client.terminate() })
      server.close()
    })
    const far = once(server, 'connection').then(([socket]) => socket)
    const bridge = await startBridge(WS, { target: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` })

    return { near: await openClient(urlOf(bridge)), far }
  }

  it('passes on the code and reason of the client', async () => {
    const { near, far } = await chain()
    const socket = await far
    near.socket.close(4321, 'enough')
    const [code, reason] = await once(socket, 'close')
    expect([code, reason.toString()]).to.deep.equal([4321, 'enough'])
  })

  it('passes on the code and reason of the target', async () => {
    const { near, far } = await chain()
    ;(await far).close(1008, 'not you')
    expect(await near.closed).to.deep.equal({ code: 1008, reason: 'not you' })
  })

  it('says 1014 for a target that vanishes', async () => {
    const { near, far } = await chain()
    ;(await far).terminate()
    expect(await near.closed).to.include({ code: 1014 })
  })
})

describe('bridge ends: between sockets', () => {
  it('ends each direction alone', async () => {
    const { url } = await startTarget(socket => {
      let asked = ''
      socket.on('data', data => { asked += data })
      socket.on('end', () => { socket.end(`you said ${asked}`) })
    })
    const bridge = await startBridge('tcp://127.0.0.1:0', { target: url })
    const { socket, inbox, ended } = await openSocket(portOf(bridge.addresses[0]))
    socket.end('a question')
    await ended
    expect(inbox.text).to.equal('you said a question')
    await until(() => bridge.sessions === 0)
  })

  it('passes on a reset', async () => {
    const target = await startTarget()
    const bridge = await startBridge('tcp://127.0.0.1:0', { target: target.url })
    const next = target.next()
    const { closed } = await openSocket(portOf(bridge.addresses[0]))
    ;(await next).resetAndDestroy()
    expect(await closed).to.have.property('code', 'ECONNRESET')
  })
})

describe('bridge close', () => {
  it('accepts no more, and closes WebSockets with 1001 behind what was sent', async () => {
    const { bridge, client, far } = await open()
    client.socket.send('before')
    await once(far, 'data')
    far.on('end', () => { far.end() })
    await bridge.close()
    expect(await client.closed).to.include({ code: 1001 })
    expect(bridge.addresses).to.be.empty()
    expect(bridge.sessions).to.equal(0)
  })

  it('drops what is not closed in time', async () => {
    const { bridge, client, far } = await open({ closeTimeout: 100 })
    // reads nothing, so its Close frame does not come
    client.socket.pause()
    far.pause()
    await bridge.close()
    expect(bridge.sessions).to.equal(0)
  })

  it('ends dials under way', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>()
    const bridge = await startBridge('tcp://127.0.0.1:0', {
      async resolve () {
        resolve()
        return new Promise(() => {})
      }
    })
    const { closed } = await openSocket(portOf(bridge.addresses[0]))
    await asked
    await bridge.close()
    await closed
  })

  it('ends sessions between sockets, and those of UDP', async () => {
    const { url } = await startTarget(echo)
    const bridge = await startBridge('tcp://127.0.0.1:0', { target: url })
    const { socket, inbox, ended } = await openSocket(portOf(bridge.addresses[0]))
    socket.write('a')
    await inbox.until(({ size }) => size === 1)
    socket.on('end', () => { socket.end() })
    await bridge.close()
    await ended
  })
})

describe('bridge keep-alive', () => {
  it('pings a silent client, and ends the session of one that is dead', async () => {
    const target = await startTarget()
    const bridge = await startBridge(WS, { target: target.url, keepAlive: 50, keepAliveTimeout: 50 })
    const next = target.next()
    const client = await rawClient(portOf(bridge.addresses[0]), upgradeRequest())
    const far = await next
    far.resume()
    await client.receives('\x89\x00')
    await until(() => far.destroyed && bridge.sessions === 0)
  })

  it('keeps a silent client that answers', async () => {
    const { bridge, client } = await open({ keepAlive: 30, keepAliveTimeout: 10_000 })
    await once(client.socket, 'ping')
    await once(client.socket, 'ping')
    expect(bridge.sessions).to.equal(1)
  })
})
