/** Which of the addresses of a name a dial connects to, and from where. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Socket, connect } from 'node:net'
import { expect } from 'aegir/chai'
import { Race } from '../../src/channel/dialling/race.ts'
import { dial } from '../../src/channel/index.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { freePort, serve } from '../server/fixtures.ts'
import { failure } from './failure.ts'
import { expectFailed } from './rude.ts'
import type { Channel, DialOptions } from '../../src/channel/index.ts'
import type { LookupAddress, LookupOptions } from 'node:dns'
import type { LookupFunction } from 'node:net'

/** A name server that knows one name, of these addresses, and what it was asked. */
function lookupOf (...addresses: string[]): LookupFunction & { asked: LookupOptions[] } {
  const lookup = (name: string, options: LookupOptions, callback: (error: null, found: LookupAddress[]) => void): void => {
    lookup.asked.push(options)
    process.nextTick(callback, null, addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 })))
  }
  lookup.asked = [] as LookupOptions[]

  return lookup as unknown as LookupFunction & { asked: LookupOptions[] }
}

async function open (address: string, options: DialOptions = {}): Promise<Channel> {
  const channel = await dial(address, options)
  cleanUp(() => { channel.abort() })

  return channel
}

interface FarServer {
  port: number
  /** Take connections from now on. */
  wake (): void
}

/**
 * A server on 127.0.0.2 that seems far away: its process is stopped and its queue is full, so that the system drops what comes. A
 * second later the system tries again.
 */
async function farServer (): Promise<FarServer> {
  const program = 'const { createServer } = require("net"); createServer().listen({ port: 0, host: "127.0.0.2", backlog: 1 }, function () { console.log(this.address().port) })'
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'ignore'] })
  const port = Number(`${(await once(child.stdout, 'data'))[0]}`)
  child.kill('SIGSTOP')
  const queued = [connect(port, '127.0.0.2'), connect(port, '127.0.0.2')]
  cleanUp(async () => {
    queued.forEach(socket => { socket.destroy() })
    child.kill('SIGKILL')
    await once(child, 'close')
  })
  await Promise.all(queued.map(async socket => once(socket, 'connect')))

  return { port, wake: () => { child.kill('SIGCONT') } }
}

describe('dial to a name', () => {
  it('asks the custom lookup, for the family of the address', async () => {
    const { port } = await serve()

    for (const [kind, family] of [['dns', 0], ['dns4', 4]] as const) {
      const lookup = lookupOf('127.0.0.1')
      const channel = await open(`/${kind}/anything.test/tcp/${port}/ws`, { tcp: { lookup } })

      expect(lookup.asked).to.deep.equal([{ all: true, family }])
      expect(channel.remote).to.include({ host: 'anything.test', port })
    }
  })

  it('takes the one address of a lookup that does not know "all"', async () => {
    const { port } = await serve()
    const lookup: LookupFunction = (name, options, callback) => { callback(null, '127.0.0.1', 4) }

    await open(`ws://anything.test:${port}`, { tcp: { lookup } })
  })

  for (const [kind, host, other] of [['dns4', '127.0.0.1', '::1'], ['dns6', '::1', '127.0.0.1']] as const) {
    it(`connects to addresses of its family only: ${kind}`, async () => {
      const served = await serve({}, `/ip${kind[3]}/${host}/tcp/0/ws`)

      await open(`/${kind}/anything.test/tcp/${served.port}/ws`, { tcp: { lookup: lookupOf(other, host) } })
      expect(served.channels[0].remote.host).to.equal(host)

      const error = await failure(`/${kind}/anything.test/tcp/${served.port}/ws`, { tcp: { lookup: lookupOf(other) } })
      expectFailed(error, 'resolve')
      expect(error.cause.message).to.equal(`anything.test has no IPv${kind[3]} address`)
    })
  }

  it('fails in its stage when the lookup throws, fails or answers nonsense', async () => {
    const lookups: LookupFunction[] = [
      () => { throw new Error('no') },
      (name, options, callback) => { callback(new Error('no'), '') },
      (name, options, callback) => { callback(null, 'nonsense', 4) },
      lookupOf()
    ]

    for (const lookup of lookups) {
      expectFailed(await failure('ws://anything.test', { tcp: { lookup } }), 'resolve')
    }
  })

  it('opens nothing when the answer comes after its end', async () => {
    const served = await serve()
    const { promise, resolve } = Promise.withResolvers<() => void>()
    const lookup: LookupFunction = (name, options, callback) => { resolve(() => { callback(null, '127.0.0.1', 4) }) }
    const error = failure(`ws://anything.test:${served.port}`, { tcp: { lookup }, handshakeTimeout: 20 })
    const answer = await promise

    expect(await error).to.have.property('name', 'TimeoutError')
    answer()
    await open(`ws://127.0.0.1:${served.port}`)
    expect(served.connections).to.equal(1)
  })
})

describe('dial to a name with several addresses', () => {
  it('goes on at once to the next where one refuses', async () => {
    const served = await serve()

    await open(`ws://anything.test:${served.port}`, { tcp: { lookup: lookupOf('127.0.0.2', '::1', '127.0.0.3', '127.0.0.1'), attemptDelay: 60_000 } })
  })

  it('tries the families in turn, in the order of the lookup, but for that', async () => {
    const error = await failure(`ws://anything.test:${await freePort()}`, { tcp: { lookup: lookupOf('127.0.0.2', '127.0.0.3', '127.0.0.4', '::1'), attemptDelay: 60_000 } })

    expect(error.cause.errors.map(({ address }: { address: string }) => address)).to.deep.equal(['127.0.0.2', '::1', '127.0.0.3', '127.0.0.4'])
  })

  it('tries the next beside one that does not answer, after attemptDelay, and drops that when the next connects', async () => {
    const { port } = await farServer()
    const served = await serve({}, `/ip4/127.0.0.1/tcp/${port}/ws`)
    const lookup = lookupOf('127.0.0.2', '127.0.0.1', '127.0.0.3')
    const before = process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length

    await open(`ws://anything.test:${port}`, { tcp: { lookup, attemptDelay: 20 } })
    expect(served.connections).to.equal(1)
    // ours, and the one that was accepted
    expect(process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap')).to.have.lengthOf(before + 2)

    for (const attemptDelay of [60_000, Infinity]) {
      const error = await failure(`ws://anything.test:${port}`, { tcp: { lookup, attemptDelay }, handshakeTimeout: 50 })
      expect(error).to.have.property('name', 'TimeoutError')
      expect(error.message).to.include('connect not done within 50 ms')
    }
  })

  it('waits for one that is slower than attemptDelay, though the next fails', async () => {
    const { port, wake } = await farServer()
    const controller = new AbortController()
    const error = await failure(`ws://anything.test:${port}`, {
      tcp: { lookup: lookupOf('127.0.0.2', '127.0.0.1'), attemptDelay: 20 },
      signal: controller.signal,
      onProgress: stage => {
        if (stage === 'connect') {
          // by then the other has failed
          setTimeout(wake, 100)
        } else if (stage === 'upgrade') {
          controller.abort()
        }
      }
    })

    expect(error.message).to.include('aborted while in stage upgrade')
  }).timeout(10_000)

  it('ends all of them when its signal fires', async () => {
    const { port } = await farServer()
    const error = await failure(`ws://anything.test:${port}`, { tcp: { lookup: lookupOf('127.0.0.2', '127.0.0.2', '127.0.0.2'), attemptDelay: 1 }, signal: AbortSignal.timeout(50) })

    expect(error).to.have.property('name', 'AbortError')
    expect(error.message).to.include('stage connect')
  })

  it('hands the winner over at once: an error behind its connect is not lost, and ends no process', async () => {
    const socket = new Socket()
    const errors: Error[] = []
    const race = new Race([{ port: 1 }], () => socket, 1, won => { won.on('error', error => { errors.push(error) }) })
    const reset = new Error('reset')
    socket.emit('connect')
    socket.emit('error', reset)

    expect(await race.winner).to.equal(socket)
    expect(errors).to.deep.equal([reset])
  })

  it('says what each of them said, when all fail', async () => {
    const error = await failure(`ws://anything.test:${await freePort()}`, { tcp: { lookup: lookupOf('127.0.0.2', '127.0.0.1') } })

    expectFailed(error, 'connect')
    expect(error.message).to.include('ECONNREFUSED 127.0.0.2').and.include('ECONNREFUSED 127.0.0.1').and.include('Nothing listens there')
  })
})

describe('dial from', () => {
  it('localAddress and localPort', async () => {
    const served = await serve()
    const localPort = await freePort()
    const channel = await open(`ws://127.0.0.1:${served.port}`, { tcp: { localAddress: '127.0.0.5', localPort } })

    expect(channel.local).to.include({ host: '127.0.0.5', port: localPort })
    expect(served.channels[0].remote).to.include({ host: '127.0.0.5', port: localPort })
  })

  it('localAddress to addresses of its family only', async () => {
    const served = await serve()
    const lookup = lookupOf('::1', '127.0.0.1')

    await open(`ws://anything.test:${served.port}`, { tcp: { lookup, localAddress: '127.0.0.5' } })
    expect(lookup.asked[0]).to.have.property('family', 4)
    expect(served.channels[0].remote.host).to.equal('127.0.0.5')
  })

  it('nowhere: an address of another machine, or of the other family', async () => {
    const other = await failure('ws://127.0.0.1:9', { tcp: { localAddress: '192.0.2.1' } })
    expectFailed(other, 'connect')
    expect(other.remedy).to.include('tcp.localAddress must be one of this machine')

    expectFailed(await failure('ws://127.0.0.1:9', { tcp: { localAddress: '::1' } }), 'connect')
  })

  for (const tcp of [{ localAddress: 'localhost' }, { localPort: 70_000 }, { localPort: 0.5 }]) {
    it(`nowhere: ${JSON.stringify(tcp)} is an InvalidParametersError`, async () => {
      expect(await failure('ws://127.0.0.1:9', { tcp })).to.have.property('name', 'InvalidParametersError')
    })
  }
})
