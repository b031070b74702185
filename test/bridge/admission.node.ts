/** Who gets a session, and what the others are told: the upgrade is answered when the target is open. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { expect } from 'aegir/chai'
import { resolvers } from '../../src/bridge/index.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { skip } from '../fixtures/skip.ts'
import { until } from '../fixtures/until.ts'
import { portOf, rawClient, rejection, upgradeRequest } from '../server/fixtures.ts'
import { echo, openClient, openSocket, refusal, startBridge, startTarget, urlOf } from './fixtures.ts'
import { startNginx } from './nginx.ts'
import type { BridgeOptions } from '../../src/bridge/index.ts'
import type { AddressInfo, Socket } from 'node:net'

const WS = '/ip4/127.0.0.1/tcp/0/ws'

async function closedPort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')

  return port
}

/** A port whose queue of connections is full, so that one more waits. */
async function deafPort (): Promise<number> {
  const child = spawn('python3', ['-c', 'import socket,sys\ns=socket.socket()\ns.bind(("127.0.0.1",0))\ns.listen(0)\nprint(s.getsockname()[1],flush=True)\nsys.stdin.read()'])
  cleanUp(() => { child.kill() })
  const [line] = await once(child.stdout, 'data')
  const port = Number(line)

  for (let i = 0; i < 4; i++) {
    const filler = connect(port, '127.0.0.1')
    filler.on('error', () => {})
    cleanUp(() => { filler.destroy() })
  }

  return port
}

describe('bridge admission', () => {
  it('answers 404 where there is no target', async () => {
    const bridge = await startBridge(WS, { resolve: () => undefined })
    expect(await refusal(urlOf(bridge))).to.include({ status: 404 })
  })

  it('answers what the resolver says', async () => {
    const bridge = await startBridge(WS, { resolve: resolvers.requested({ from: 'query:target', allow: ['127.0.0.1:1'] }) })
    expect(await refusal(urlOf(bridge, '/?target=tcp://127.0.0.1:2'))).to.include({ status: 403 })
  })

  it('answers 500 where the resolver throws, and goes on', async () => {
    const { url } = await startTarget(echo)
    const errors: unknown[] = []
    const bridge = await startBridge(WS, {
      resolve: ({ path }) => {
        if (path === '/bad') {
          throw new Error('no such luck')
        }

        return { address: url }
      },
      log: (level, event, { error }) => { level === 'error' && errors.push(error) }
    })
    expect(await refusal(urlOf(bridge, '/bad'))).to.include({ status: 500 })
    expect(errors).to.deep.equal(['no such luck'])
    await openClient(urlOf(bridge, '/good'))
  })

  it('answers 502 where the target refuses', async () => {
    const bridge = await startBridge(WS, { target: `tcp://127.0.0.1:${await closedPort()}` })
    expect(await refusal(urlOf(bridge))).to.include({ status: 502 })
  })

  it('answers 502 where the name of the target does not resolve', async () => {
    const bridge = await startBridge(WS, { target: 'tcp://name.invalid:80' })
    expect(await refusal(urlOf(bridge))).to.include({ status: 502 })
  })

  it('answers 502 where the Unix socket is not there', async () => {
    const bridge = await startBridge(WS, { target: 'unix:///nowhere/socket' })
    expect(await refusal(urlOf(bridge))).to.include({ status: 502 })
  })

  it('answers 504 where the target does not answer in time, and serves others meanwhile', async () => {
    const { url } = await startTarget(echo)
    const deaf = await deafPort()
    const bridge = await startBridge(WS, {
      resolve: ({ path }) => ({ address: path === '/deaf' ? `tcp://127.0.0.1:${deaf}` : url }),
      dial: { handshakeTimeout: 1_000 }
    })
    const slow = refusal(urlOf(bridge, '/deaf'))
    const { socket, inbox } = await openClient(urlOf(bridge))
    socket.send('meanwhile')
    await inbox.until(({ size }) => size === 9)
    expect(await slow).to.include({ status: 504 })
  })

  it('does not dial on for a client that has left', async () => {
    const events: string[] = []
    const bridge = await startBridge(WS, { target: `tcp://127.0.0.1:${await deafPort()}`, log: (_, event, { reason = '' }) => { events.push(`${event} ${reason}`) } })
    const client = await rawClient(portOf(bridge.addresses[0]), upgradeRequest())
    await until(() => events.includes('dial '))
    client.socket.destroy()
    await until(() => events.includes('refuse left'))
    expect(bridge.sessions).to.equal(0)
  })

  it('closes the target of a client whose handshake fails after all', async () => {
    const { url, next } = await startTarget()
    const bridge = await startBridge(WS, { target: url })
    const target = next()
    const client = await rawClient(portOf(bridge.addresses[0]), upgradeRequest({ 'Sec-WebSocket-Key': 'short' }))
    expect(await client.closed).to.match(/^HTTP\/1.1 400 /)
    const socket = await target
    socket.resume()
    await until(() => socket.destroyed)
  })

  it('closes a TCP client with a reset where there is no target', async () => {
    const bridge = await startBridge('tcp://127.0.0.1:0', { target: `tcp://127.0.0.1:${await closedPort()}` })
    const client = connect(portOf(bridge.addresses[0]), '127.0.0.1')
    expect(await new Promise(resolve => client.on('error', resolve))).to.have.property('code', 'ECONNRESET')
  })
})

describe('bridge subprotocols', () => {
  const cases: Array<[string, Partial<BridgeOptions>, string[], string | number]> = [
    ['answers none where none is set', {}, [], ''],
    ['answers the one that is set', { protocol: 'binary' }, ['base64', 'binary'], 'binary'],
    ['answers one of a list, the best first', { protocol: ['mqtt', 'mqttv3.1'] }, ['mqttv3.1', 'mqtt'], 'mqtt'],
    ['answers the first offer with *', { protocol: '*' }, ['b', 'a'], 'b'],
    ['accepts a client that offers none with *', { protocol: '*' }, [], ''],
    ['refuses offers that do not fit', { protocol: 'binary' }, ['base64'], 400],
    ['refuses a client that offers none where one is set', { protocol: 'binary' }, [], 400],
    ['accepts a client that offers none where it is lenient', { protocol: 'binary', lenientProtocol: true }, [], ''],
    ['compares in any case where it is lenient, and answers as the client wrote it', { protocol: 'binary', lenientProtocol: true }, ['BINARY'], 'BINARY']
  ]

  for (const [title, options, offers, expected] of cases) {
    it(title, async () => {
      const { url } = await startTarget()
      const bridge = await startBridge(WS, { target: url, ...options })

      if (typeof expected === 'number') {
        expect(await refusal(urlOf(bridge), offers)).to.include({ status: expected })
      } else {
        const { socket } = await openClient(urlOf(bridge), offers)
        expect(socket.protocol).to.equal(expected)
      }
    })
  }

  it('answers what the resolver chose', async () => {
    const { url } = await startTarget()
    const bridge = await startBridge(WS, { protocol: 'a', resolve: () => ({ address: url, protocol: 'b' }) })
    const { socket } = await openClient(urlOf(bridge), ['a', 'b'])
    expect(socket.protocol).to.equal('b')
  })

  it('answers what the WebSocket behind it took', async () => {
    const inner = await startBridge(WS, { target: (await startTarget()).url, protocol: ['b'] })
    const bridge = await startBridge(WS, { target: urlOf(inner), protocol: '*' })
    const { socket } = await openClient(urlOf(bridge), ['a', 'b'])
    expect(socket.protocol).to.equal('b')
  })

  it('offers a WebSocket target what is set', async () => {
    const inner = await startBridge(WS, { target: (await startTarget(echo)).url, protocol: 'binary' })
    const bridge = await startBridge('tcp://127.0.0.1:0', { target: urlOf(inner), protocol: ['binary'] })
    const { socket, inbox } = await openSocket(portOf(bridge.addresses[0]))
    socket.write('through')
    await inbox.until(({ text }) => text === 'through')
  })
})

describe('bridge access', () => {
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
  const cases: Array<[string, Partial<BridgeOptions>, Record<string, string>, number]> = [
    ['lets in an origin that is listed', { origins: ['https://example.com'] }, { Origin: 'https://example.com' }, 101],
    ['lets in who has no origin', { origins: ['https://example.com'] }, {}, 101],
    ['refuses another origin', { origins: ['https://example.com'] }, { Origin: 'https://example.com.evil.test' }, 403],
    ['lets in who knows the password', { auth: { basic: { me: 'se:cret' } } }, { Authorization: basic('me:se:cret') }, 101],
    ['refuses another password', { auth: { basic: { me: 'secret' } } }, { Authorization: basic('me:other') }, 401],
    ['refuses who gives none', { auth: { basic: { me: 'secret' } } }, {}, 401],
    ['lets in who has a token', { auth: { bearer: ['one', 'two'] } }, { Authorization: 'bearer two' }, 101],
    ['refuses another token', { auth: { bearer: ['one', 'two'] } }, { Authorization: 'Bearer three' }, 401],
    ['does not take a password for a token', { auth: { bearer: ['me:secret'] } }, { Authorization: basic('me:secret') }, 401]
  ]

  for (const [title, options, headers, expected] of cases) {
    it(title, async () => {
      const { url, sockets } = await startTarget()
      const bridge = await startBridge(WS, { target: url, ...options })

      if (expected === 101) {
        await openClient(urlOf(bridge), [], { headers })
      } else {
        expect(await refusal(urlOf(bridge), [], { headers })).to.include({ status: expected })
        expect(sockets, 'connections to the target').to.be.empty()
      }
    })
  }

  it('says how to come in', async () => {
    const bridge = await startBridge(WS, { target: 'tcp://127.0.0.1:1', auth: { basic: {}, bearer: [] } })
    const { headers } = await refusal(urlOf(bridge))
    expect(headers).to.have.property('www-authenticate', 'Basic realm="bridge", charset="UTF-8", Bearer realm="bridge"')
  })
})

describe('bridge limits', () => {
  it('refuses sessions over maxSessions with 503, until there is room', async () => {
    const { url } = await startTarget(echo)
    const bridge = await startBridge(WS, { target: url, maxSessions: 1 })
    const { socket } = await openClient(urlOf(bridge))
    expect(await refusal(urlOf(bridge))).to.include({ status: 503 })
    socket.close()
    await until(() => bridge.sessions === 0)
    await openClient(urlOf(bridge))
  })

  it('refuses sessions over maxSessionsPerAddress with 429', async () => {
    const { url } = await startTarget(echo)
    const bridge = await startBridge('/ip4/0.0.0.0/tcp/0/ws', { target: url, maxSessionsPerAddress: 1 })
    await openClient(urlOf(bridge))
    expect(await refusal(urlOf(bridge))).to.include({ status: 429 })
    await openClient(urlOf(bridge), [], { localAddress: '127.0.0.2' })
  })

  it('counts those that are being opened', async () => {
    const bridge = await startBridge(WS, { target: `tcp://127.0.0.1:${await deafPort()}`, maxSessions: 1, dial: { handshakeTimeout: 1_000 } })
    const statuses = await Promise.all([refusal(urlOf(bridge)), refusal(urlOf(bridge))])
    expect(statuses.map(({ status }) => status)).to.have.members([503, 504])
  })

  it('closes a TCP client over the limit', async () => {
    const { url } = await startTarget(echo)
    const bridge = await startBridge('tcp://127.0.0.1:0', { target: url, maxSessions: 1 })
    const first = await openSocket(portOf(bridge.addresses[0]))
    first.socket.write('a')
    await first.inbox.until(({ size }) => size === 1)
    const second = connect(portOf(bridge.addresses[0]), '127.0.0.1')
    // it may come as early as the connection
    expect(await new Promise(resolve => second.on('error', resolve))).to.have.property('code', 'ECONNRESET')
  })
})

describe('bridge reload', () => {
  it('follows other rules from then on, and drops no session', async () => {
    const [one, two] = await Promise.all(['one', 'two'].map(async name => startTarget(socket => {
      socket.write(name)
      echo(socket)
    })))
    const bridge = await startBridge(WS, { target: one.url })
    const before = await openClient(urlOf(bridge))
    await before.inbox.until(({ text }) => text === 'one')
    bridge.reload({ target: two.url })
    const after = await openClient(urlOf(bridge))
    await after.inbox.until(({ text }) => text === 'two')
    before.socket.send(' still')
    await before.inbox.until(({ text }) => text === 'one still')
  })

  it('keeps its rules where the new ones make no sense', async () => {
    const bridge = await startBridge(WS, { target: (await startTarget(echo)).url })
    expect(await rejection((async () => { bridge.reload({ framing: 'lines' }) })())).to.have.property('name', 'InvalidParametersError')
    await openClient(urlOf(bridge))
  })
})

describe('bridge PROXY protocol', () => {
  it('begins with a line that says who the client is, in version 1', async () => {
    const { url, next } = await startTarget()
    const bridge = await startBridge(WS, { target: url, proxyProtocol: 1 })
    const target = next()
    const client = await openClient(urlOf(bridge), [], { localAddress: '127.0.0.3' })
    client.socket.send('hello')
    expect(await firstBytes(await target, 'hello')).to.match(new RegExp(`^PROXY TCP4 127\\.0\\.0\\.3 127\\.0\\.0\\.1 \\d+ ${portOf(bridge.addresses[0])}\r\nhello$`))
  })

  it('has the same as bytes in version 2', async () => {
    const { url, next } = await startTarget()
    const bridge = await startBridge('tcp://127.0.0.1:0', { target: url, proxyProtocol: 2 })
    const target = next()
    const { socket } = await openSocket(portOf(bridge.addresses[0]))
    socket.write('hello')
    const { localPort = 0, remotePort = 0 } = socket
    const ports = Buffer.alloc(4)
    ports.writeUInt16BE(localPort, 0)
    ports.writeUInt16BE(remotePort, 2)
    expect(Buffer.from(await firstBytes(await target, 'hello'), 'latin1').toString('hex')).to.equal(
      `0d0a0d0a000d0a515549540a2111000c7f0000017f000001${ports.toString('hex')}${Buffer.from('hello').toString('hex')}`)
  })

  it('is understood by nginx', async function () {
    const nginx = await startNginx() ?? skip(this, 'nginx is not installed')

    for (const proxyProtocol of [1, 2] as const) {
      const bridge = await startBridge('tcp://127.0.0.1:0', { target: `tcp://127.0.0.1:${nginx.port}`, proxyProtocol })
      const { socket, inbox } = await openSocket(portOf(bridge.addresses[0]))
      socket.write('GET / HTTP/1.0\r\n\r\n')
      await inbox.until(({ text }) => text.includes(`127.0.0.1:${socket.localPort}`))
    }
  })
})

async function firstBytes (socket: Socket, end: string): Promise<string> {
  let text = ''

  while (!text.endsWith(end)) {
    const [data] = await once(socket, 'data')
    text += data.toString('latin1')
  }

  return text
}
