import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { promisify } from 'node:util'
import { expect } from 'aegir/chai'
import { dialTarget } from '../../src/bridge/dial.ts'
import { listenTarget } from '../../src/bridge/listen.ts'
import { parseListenTarget, parseTarget } from '../../src/bridge/target.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { skip } from '../fixtures/skip.ts'
import { rejection, socketPath } from '../server/fixtures.ts'
import { Inbox } from '../suites/peer.ts'
import type { DialTargetOptions } from '../../src/bridge/dial.ts'
import type { Endpoint, EndpointEnd } from '../../src/bridge/endpoint.ts'
import type { ListenTargetOptions } from '../../src/bridge/listener.ts'
import type { Target, WebSocketTarget } from '../../src/bridge/target.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { AddressInfo } from 'node:net'

interface Ends {
  near: Endpoint
  far: Endpoint
}

const STREAMS: Record<string, () => Promise<string>> = {
  TCP: async () => '/ip4/127.0.0.1/tcp/0',
  'TCP on IPv6': async () => '/ip6/::1/tcp/0',
  'Unix stream': async () => `/unix/${encodeURIComponent(await socketPath())}`
}

const DATAGRAMS: Record<string, () => Promise<string>> = {
  UDP: async () => '/ip4/127.0.0.1/udp/0',
  'UDP on IPv6': async () => '/ip6/::1/udp/0'
}

/** A UDP header whose source port is 0, and a byte. */
const FROM_NO_PORT = `
import socket, struct, sys
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
raw.sendto(struct.pack('!HHHHB', 0, int(sys.argv[1]), 9, 0, 1), ('127.0.0.1', 0))
`

/** Two ends; for UDP the far one is there when the first datagram is. */
async function ends (address: string, options: ListenTargetOptions & DialTargetOptions = {}): Promise<Ends> {
  const { promise, resolve } = Promise.withResolvers<Endpoint>()
  const listener = await listenTarget(plain(address), options, resolve)
  const near = await dialTarget(parseTarget(listener.addresses[0]), options)
  cleanUp(async () => {
    near.abort(new Error('over'))
    await listener.close()
  })

  if (near.shape === 'messages') {
    near.send(Buffer.from('first'), false)
  }

  const far = await promise
  cleanUp(() => { far.abort(new Error('over')) })

  return { near, far }
}

/** An address of what is no WebSocket. */
function plain (address: Multiaddr | string): Exclude<Target, WebSocketTarget> {
  const target = parseListenTarget(address)
  expect(target.kind).to.not.equal('ws')

  return target as Exclude<Target, WebSocketTarget>
}

function collect (endpoint: Endpoint): Inbox {
  const inbox = new Inbox()
  endpoint.onmessage = inbox.add
  endpoint.resume()

  return inbox
}

async function over (endpoint: Endpoint): Promise<EndpointEnd> {
  return new Promise(resolve => { endpoint.onclose = resolve })
}

for (const [kind, address] of Object.entries({ ...STREAMS, ...DATAGRAMS })) {
  describe(`bridge endpoint: ${kind}`, () => {
    it('carries bytes both ways', async () => {
      const { near, far } = await ends(await address())
      const there = collect(far)
      near.send(Buffer.from('ping'), false)
      await there.until(({ text }) => text.endsWith('ping'))

      const back = collect(near)
      far.send(Buffer.from('pong'), false)
      expect((await back.until(({ size }) => size === 4)).text).to.equal('pong')
    })

    it('delivers nothing before it is resumed, and what came until then afterwards', async () => {
      const { near, far } = await ends(await address(), { closeTimeout: 50 })
      const there = new Inbox()
      far.onmessage = there.add
      near.send(Buffer.from('early'), false)
      near.send(Buffer.from('late'), false)
      await near.close()
      expect(there.messages).to.be.empty()

      far.resume()
      await there.until(({ text }) => text.endsWith('earlylate'))
    })

    it('sends what is queued before it closes, and tells both ends of a clean end', async () => {
      const { near, far } = await ends(await address(), { idleTimeout: 200 })
      const there = collect(far)
      const farEnd = over(far)
      near.send(Buffer.alloc(30_000), false)
      far.onend = () => { far.end() }
      await near.close()
      await there.until(({ size }) => size >= 30_000)
      expect(await farEnd).to.include({ code: 1000, error: undefined })
    })

    it('drops what is sent after its end', async () => {
      const { near } = await ends(await address())
      const end = over(near)
      near.abort(new Error('gone'))
      expect(await end).to.have.nested.property('error.message', 'gone')
      expect(near.send(Buffer.from('late'), false)).to.be.true()
      near.end()
      await near.close()
    })

    it('is not listened on any more once it is closed', async () => {
      const listener = await listenTarget(plain(await address()), {}, () => {})
      await listener.close()
      expect(listener.addresses).to.be.empty()
    })

    it('says what to do about an address that is taken', async () => {
      const listener = await listenTarget(plain(await address()), {}, () => {})
      cleanUp(async () => listener.close())
      const error = await rejection(listenTarget(plain(listener.addresses[0]), {}, () => {}))
      expect(error).to.have.property('name', 'ListenError')
      expect(error.message).to.include(listener.addresses[0].toString()).and.match(/another socket has it|the path exists/)
    })
  })
}

for (const [kind, address] of Object.entries(STREAMS)) {
  describe(`bridge endpoint: ${kind}`, () => {
    it('ends one direction and keeps the other', async () => {
      const { near, far } = await ends(await address())
      const back = collect(near)
      far.onend = () => {
        far.send(Buffer.from('the answer'), false)
        far.end()
      }
      far.resume()
      near.end()
      const end = await over(near)
      expect(back.text).to.equal('the answer')
      expect(end.error).to.equal(undefined)
    })

    it('asks its sender to wait while the other side does not read, and says when to go on', async () => {
      const { near, far } = await ends(await address())
      let sent = 0

      while (near.send(Buffer.alloc(65_536), false)) {
        sent++
        expect(sent).to.be.below(1_000)
        await new Promise(setImmediate)
      }

      const drained = new Promise<void>(resolve => { near.ondrain = resolve })
      const there = collect(far)
      await drained
      await there.until(({ size }) => size === (sent + 1) * 65_536)
    })

    it('ends within its close timeout where the other side neither reads nor ends', async () => {
      const { near } = await ends(await address(), { closeTimeout: 50 })
      near.send(Buffer.alloc(8_000_000), false)
      await near.close()
    })

    it('refuses sockets over the limit', async () => {
      const refused: string[] = []
      const listener = await listenTarget(plain(await address()), { maxSessions: 1, onrefused: remote => { refused.push(remote) } }, endpoint => {
        cleanUp(() => { endpoint.abort(new Error('over')) })
      })
      cleanUp(async () => listener.close())
      const first = await dialTarget(parseTarget(listener.addresses[0]))
      cleanUp(() => { first.abort(new Error('over')) })
      const second = await dialTarget(parseTarget(listener.addresses[0]))
      const ended = new Promise<void>(resolve => {
        second.onend = resolve
        second.onclose = () => { resolve() }
      })
      second.resume()
      await ended
      expect(refused).to.have.lengthOf(1)
      second.abort(new Error('over'))
    })
  })
}

describe('bridge endpoint: TCP', () => {
  it('tells its end once, also where who is told changes after it', async () => {
    const { near } = await ends('/ip4/127.0.0.1/tcp/0')
    const told: string[] = []
    near.abort(new Error('over'))
    await over(near)
    near.onclose = () => { told.push('second') }
    near.onclose = undefined
    near.onclose = () => { told.push('third') }
    await new Promise(setImmediate)

    expect(told).to.be.empty()
  })

  it('resets where a close is none that is clean, behind what was sent', async () => {
    const { near, far } = await ends('/ip4/127.0.0.1/tcp/0')
    const there = collect(far)
    const end = over(far)
    near.send(Buffer.from('half a fra'), false)
    await near.close(1011)
    expect(await end).to.have.property('code', 1014)
    expect(await end).to.have.nested.property('error.code', 'ECONNRESET')
    expect(there.text).to.equal('half a fra')
  })

  it('says which target refused', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    const error = await rejection(dialTarget(parseTarget(`tcp://127.0.0.1:${port}`)))
    expect(error).to.include({ name: 'ConnectionFailedError', stage: 'connect', address: `/ip4/127.0.0.1/tcp/${port}` })
    expect(error.cause).to.have.property('code', 'ECONNREFUSED')
  })

  it('says that a name does not resolve', async () => {
    const error = await rejection(dialTarget(parseTarget('tcp://name.invalid:80')))
    expect(error).to.include({ name: 'ConnectionFailedError', stage: 'resolve' })
  })

  it('gives up when its signal fires', async () => {
    const error = await rejection(dialTarget(parseTarget('tcp://127.0.0.1:9'), { signal: AbortSignal.abort() }))
    expect(error).to.have.property('name', 'AbortError')
  })
})

describe('bridge endpoint: UDP', () => {
  it('carries empty datagrams, and keeps their boundaries', async () => {
    const { near, far } = await ends('/ip4/127.0.0.1/udp/0')
    const there = collect(far)
    near.send(Buffer.from(''), false)
    near.send(Buffer.from('ab'), false)
    near.send(Buffer.from('c'), false)
    await there.until(({ messages }) => messages.length === 4)
    expect(there.messages.map(({ data }) => Buffer.from(data).toString())).to.deep.equal(['first', '', 'ab', 'c'])
  })

  it('outlives that nobody listens', async () => {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const { port } = socket.address()
    socket.close()
    const near = await dialTarget(parseTarget(`udp://127.0.0.1:${port}`))
    cleanUp(() => { near.abort(new Error('over')) })
    const back = collect(near)

    // each one but the first may get the ICMP error of the one before
    for (let i = 0; i < 3; i++) {
      near.send(Buffer.from('lost'), false)
      await new Promise(resolve => setTimeout(resolve, 10))
    }

    const late = createSocket('udp4', (data, { port, address }) => { late.send(data, port, address) })
    cleanUp(() => late.close())
    late.bind(port, '127.0.0.1')
    await once(late, 'listening')
    near.send(Buffer.from('found'), false)
    expect((await back.until(({ size }) => size > 0)).text).to.equal('found')
  })

  it('ends when nothing came or went for its idle timeout', async () => {
    const { near, far } = await ends('/ip4/127.0.0.1/udp/0', { idleTimeout: 30 })
    const [nearEnd, farEnd] = await Promise.all([over(near), over(far)])
    expect([nearEnd, farEnd].map(({ code, error }) => ({ code, error }))).to.deep.equal([{ code: 1000, error: undefined }, { code: 1000, error: undefined }])
  })

  it('says that a message is too large for a datagram', async () => {
    const { near } = await ends('/ip4/127.0.0.1/udp/0')
    near.send(Buffer.alloc(65_508), false)
    const end = await over(near)
    expect(end.code).to.equal(1009)
    expect(end.error).to.include({ name: 'MessageTooLargeError', limit: 65_507 })
  })

  it('drops a datagram that comes from no port, which nobody could answer', async function () {
    const { promise, resolve } = Promise.withResolvers<Endpoint>()
    const listener = await listenTarget(plain('/ip4/127.0.0.1/udp/0'), {}, resolve)
    const port = listener.addresses[0].getComponents().at(-1)?.value

    try {
      await promisify(execFile)('python3', ['-c', FROM_NO_PORT, `${port}`])
    } catch (error: any) {
      skip(this, `raw sockets are for root, and need python3: ${error.message}`)
    }

    const near = await dialTarget(parseTarget(listener.addresses[0]))
    near.send(Buffer.from('from a port'), false)
    const far = await promise
    cleanUp(async () => {
      near.abort(new Error('over'))
      far.abort(new Error('over'))
      await listener.close()
    })

    expect(far.remote).to.not.equal('127.0.0.1:0')
  })

  it('is a session for each address, as many as the limit', async () => {
    const sessions: Endpoint[] = []
    const refused: string[] = []
    const listener = await listenTarget(plain('/ip4/127.0.0.1/udp/0'), { maxSessions: 2, onrefused: remote => { refused.push(remote) } }, endpoint => {
      sessions.push(endpoint)
      endpoint.onmessage = data => { endpoint.send(data, false) }
      endpoint.resume()
    })
    const clients = await Promise.all(['a', 'b', 'c'].map(async name => {
      const client = await dialTarget(parseTarget(listener.addresses[0]))
      cleanUp(() => { client.abort(new Error('over')) })
      const inbox = collect(client)
      client.send(Buffer.from(name), false)

      return { client, inbox }
    }))

    await Promise.all(clients.slice(0, 2).map(async ({ inbox }) => inbox.until(({ size }) => size === 1)))
    expect(clients.slice(0, 2).map(({ inbox }) => inbox.text)).to.deep.equal(['a', 'b'])

    while (refused.length === 0) {
      await new Promise(setImmediate)
    }

    sessions.forEach(session => { session.abort(new Error('over')) })
    await listener.close()
  })
})
