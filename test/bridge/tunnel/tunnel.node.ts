import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect as netConnect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'aegir/chai'
import { createLibp2p } from 'libp2p'
import { connect, expose } from '../../../src/bridge/tunnel/index.ts'
import { webSockets } from '../../../src/index.ts'
import { cleanUp } from '../../fixtures/clean-up.ts'
import { nodeInit } from '../../fixtures/node-init.ts'
import { temporaryFolder } from '../../fixtures/puppeteer.ts'
import { pattern } from '../../fixtures/streams.ts'
import { until } from '../../fixtures/until.ts'
import { closing, connected, echoed, exposed, LOCAL, LOCAL_TCP, newKey, open, peerOf, portOf, readAll, readSome, tcpTarget, tunnel } from './fixtures.ts'
import type { Connected } from '../../../src/bridge/tunnel/index.ts'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import type { Socket as DatagramSocket } from 'node:dgram'
import type { AddressInfo } from 'node:net'

const MIB = 1_048_576

describe('a tunnel of TCP', () => {
  it('carries bytes both ways', async () => {
    const { connected } = await tunnel((await tcpTarget()).url)
    const socket = await open(connected)
    const data = pattern(4 * MIB)
    socket.end(data)

    expect((await readAll(socket)).equals(data)).to.equal(true)
  })

  it('says what the target says first', async () => {
    const { connected } = await tunnel((await tcpTarget(socket => { socket.end('220 ready\r\n') })).url)

    expect(`${await readAll(await open(connected))}`).to.equal('220 ready\r\n')
  })

  it('carries the end of one direction alone, from its user', async () => {
    const target = await tcpTarget(() => {})
    const { connected } = await tunnel(target.url)
    const accepted = target.accept()
    const socket = await open(connected)
    socket.end('question')

    const there = await accepted
    expect(`${await readAll(there)}`).to.equal('question')
    there.end('answer')
    expect(`${await readAll(socket)}`).to.equal('answer')
  })

  it('carries the end of one direction alone, from its target', async () => {
    const target = await tcpTarget(() => {})
    const { connected, exposed } = await tunnel(target.url)
    const accepted = target.accept()
    const socket = await open(connected)
    const there = await accepted
    there.end('that is all')

    expect(`${await readAll(socket)}`).to.equal('that is all')
    socket.end('and this')
    expect(`${await readAll(there)}`).to.equal('and this')
    await until(() => exposed.sessions === 0 && connected.sessions === 0)
  })

  it('resets the user when the target does', async () => {
    const target = await tcpTarget(() => {})
    const { connected } = await tunnel(target.url)
    const accepted = target.accept()
    const socket = await open(connected)
    const closed = closing(socket.resume())
    const there = await accepted
    there.resetAndDestroy()

    expect(await closed).to.equal(true)
  })

  it('resets the target when the user does', async () => {
    const target = await tcpTarget(socket => { socket.resume() })
    const { connected, exposed } = await tunnel(target.url)
    const accepted = target.accept()
    const socket = await open(connected)
    const closed = closing(await accepted)
    socket.resetAndDestroy()

    expect(await closed).to.equal(true)
    await until(() => exposed.sessions === 0 && connected.sessions === 0)
  })

  it('refuses its users when the target is not there, and says why where it is', async () => {
    const errors: Error[] = []
    const { connected } = await tunnel(await vacant(), {}, { onerror: error => { errors.push(error) } })

    expect(await refusal(connected)).to.equal(true)
    expect(errors).to.have.lengthOf(1)
    expect(errors[0].message).to.contain('ECONNREFUSED')
    expect(errors[0].cause).to.have.property('name', 'ConnectionFailedError')
  })

  it('gives up a target that does not answer in time', async () => {
    const errors: any[] = []
    // reserved for documentation (RFC 5737): nobody is there, and nobody says so
    const { connected } = await tunnel('tcp://192.0.2.1:80', {}, { handshakeTimeout: 20, onerror: error => { errors.push(error) } })
    await refusal(connected)

    expect(errors[0].cause.name).to.be.oneOf(['TimeoutError', 'ConnectionFailedError'])
  })

  it('carries 100 sessions at once on one connection', async () => {
    const { connected, exposed } = await tunnel((await tcpTarget()).url)
    const data = pattern(65_536)
    const sockets = await Promise.all(Array.from({ length: 100 }, async () => open(connected)))
    sockets.forEach(socket => { socket.write(data) })
    await until(() => exposed.sessions === 100)
    sockets.forEach(socket => { socket.end() })
    const answers = await Promise.all(sockets.map(readAll))

    expect(answers.every(answer => answer.equals(data))).to.equal(true)
    await until(() => exposed.sessions === 0 && connected.sessions === 0)
  })

  it('refuses what is over maxStreams', async () => {
    const errors: Error[] = []
    const { connected } = await tunnel((await tcpTarget()).url, { maxStreams: 2, onerror: error => { errors.push(error) } })
    const sockets = [await open(connected), await open(connected)]
    await until(() => connected.sessions === 2)

    await refusal(connected)
    expect(errors).to.have.lengthOf(1)
    sockets.forEach(socket => { socket.end() })
    await Promise.all(sockets.map(readAll))
  })

  it('ends a session that is idle for longer than idleTimeout, and no other', async () => {
    const { connected, exposed } = await tunnel((await tcpTarget()).url, { idleTimeout: 100 })
    const [busy, idle] = [await open(connected), await open(connected)]
    const timer = setInterval(() => { busy.write('.') }, 20)
    busy.resume()
    await closing(idle.resume())
    clearInterval(timer)

    expect(busy.destroyed).to.equal(false)
    await until(() => exposed.sessions === 1 && connected.sessions === 1)
    busy.end()
    await closing(busy)
  })

  it('ends its sessions when an end closes, and its address is free', async () => {
    const { connected, exposed } = await tunnel((await tcpTarget()).url)
    const socket = await open(connected)
    socket.write('.')
    await readSome(socket)
    const port = portOf(connected.local[0])
    socket.once('end', () => { socket.end() })
    await Promise.all([connected.close(), closing(socket.resume())])

    expect(connected.local).to.have.lengthOf(0)
    const [error] = await once(netConnect(port, '127.0.0.1'), 'error')
    expect(error.code).to.equal('ECONNREFUSED')
    await until(() => exposed.sessions === 0)
  })
})

describe('a tunnel, when somebody does not read', () => {
  /** Writes without end, at the pace of the other side; returns what it has written. */
  function flood (socket: NodeJS.WritableStream): { readonly written: number } {
    const chunk = Buffer.alloc(65_536)
    const state = { written: 0 }
    const more = (): void => {
      do {
        state.written += chunk.length
      } while (socket.write(chunk))
    }

    socket.on('drain', more)
    more()

    return state
  }

  /** What was written when nothing moves any more. */
  async function stalled (state: { readonly written: number }): Promise<number> {
    for (let last = -1; last !== state.written;) {
      last = state.written
      await delay(300)
    }

    return state.written
  }

  // the windows of yamux, and what sockets and their queues hold
  const BOUND = 32 * MIB
  /** The first byte of a session that wants back what it sends. */
  const ECHO = 0x65

  it('holds its user while the target stalls, and loses nothing', async () => {
    const target = await tcpTarget(() => {})
    const { connected } = await tunnel(target.url)
    const accepted = target.accept()
    const socket = await open(connected)
    const state = flood(socket)
    const written = await stalled(state)

    expect(written).to.be.lessThan(BOUND)
    socket.removeAllListeners('drain')
    socket.end()
    const there = await accepted
    expect((await readAll(there)).length).to.equal(state.written)
    there.end()
    await closing(socket.resume())
  })

  it('holds the target while its user stalls', async () => {
    const target = await tcpTarget(() => {})
    const { connected } = await tunnel(target.url)
    const accepted = target.accept()
    const socket = await open(connected)
    const there = await accepted
    const state = flood(there)

    expect(await stalled(state)).to.be.lessThan(BOUND)
    there.removeAllListeners('drain')
    there.end()
    expect((await readAll(socket)).length).to.equal(state.written)
    socket.end()
  })

  it('holds a stalled session while another one is busy', async () => {
    const target = await tcpTarget(socket => {
      socket.once('data', first => {
        if (first[0] === ECHO) {
          socket.unshift(first)
          socket.pipe(socket)
        } else {
          socket.pause()
        }
      })
    })
    const { connected } = await tunnel(target.url)
    const [stuck, busy] = [await open(connected), await open(connected)]
    const stuckState = flood(stuck)
    const before = await stalled(stuckState)

    // each of these fills and drains the connection, at which all of its streams are woken
    const data = Buffer.alloc(64 * MIB, ECHO)
    busy.end(data)
    expect((await readAll(busy)).equals(data)).to.equal(true)
    expect(stuckState.written - before).to.be.lessThan(MIB)
    stuck.resetAndDestroy()
  })
})

describe('a tunnel of Unix sockets', () => {
  it('has them at both ends', async () => {
    const folder = await temporaryFolder()
    const target = join(folder, 'target.sock')
    const local = join(folder, 'local.sock')
    const server = createServer(socket => { socket.pipe(socket) }).listen(target)
    cleanUp(async () => {
      server.close()
      await once(server, 'close')
    })
    await once(server, 'listening')
    await tunnel(`unix://${target}`, { local: `unix://${local}` })

    const socket = netConnect(local)
    socket.end('through the file system')
    expect(`${await readAll(socket)}`).to.equal('through the file system')
  })
})

describe('a tunnel of UDP', () => {
  async function udpTarget (): Promise<{ url: string, peers: Set<number> }> {
    const socket = createSocket('udp4')
    const peers = new Set<number>()
    cleanUp(() => { socket.close() })
    socket.on('message', (data, { port }) => {
      peers.add(port)
      socket.send(data, port, '127.0.0.1')
    })
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')

    return { url: `udp://127.0.0.1:${socket.address().port}`, peers }
  }

  async function client ({ local: [address] }: Connected): Promise<DatagramSocket> {
    const socket = createSocket('udp4')
    cleanUp(() => { socket.close() })
    socket.connect(portOf(address), '127.0.0.1')
    await once(socket, 'connect')

    return socket
  }

  async function ask (socket: DatagramSocket, data: Uint8Array): Promise<Buffer> {
    const answer = once(socket, 'message')
    socket.send(data)

    return (await answer)[0]
  }

  it('carries datagrams as they are, empty and large ones too', async () => {
    const { connected } = await tunnel((await udpTarget()).url, { local: 'udp://127.0.0.1:0' })
    const socket = await client(connected)

    for (const size of [1, 0, 1_400, 65_507, 0, 2]) {
      const data = pattern(size)
      expect((await ask(socket, data)).equals(data)).to.equal(true)
    }
  })

  it('has a socket for each of its users', async () => {
    const target = await udpTarget()
    const { connected } = await tunnel(target.url, { local: 'udp://127.0.0.1:0' })
    const sockets = await Promise.all(Array.from({ length: 5 }, async () => client(connected)))

    for (const [i, socket] of sockets.entries()) {
      expect([...await ask(socket, Uint8Array.of(i))]).to.deep.equal([i])
    }

    expect(target.peers.size).to.equal(5)
  })

  it('ends a session without datagrams at both ends', async () => {
    const { connected, exposed } = await tunnel((await udpTarget()).url, { local: 'udp://127.0.0.1:0', idleTimeout: 50 })
    await ask(await client(connected), Uint8Array.of(1))
    await until(() => connected.sessions === 0 && exposed.sessions === 0)
  })

  it('is not ended by a target that is not there', async () => {
    const port = (await createdPort())
    const { connected } = await tunnel(`udp://127.0.0.1:${port}`, { local: 'udp://127.0.0.1:0' })
    const socket = await client(connected)
    socket.send(Uint8Array.of(1))
    await until(() => connected.sessions === 1)

    // it comes up later
    const late = createSocket('udp4')
    cleanUp(() => { late.close() })
    late.on('message', (data, { port }) => {
      // the first may still be on its way
      if (data[0] === 2) {
        late.send(data, port, '127.0.0.1')
      }
    })
    late.bind(port, '127.0.0.1')
    await once(late, 'listening')
    expect([...await ask(socket, Uint8Array.of(2))]).to.deep.equal([2])
  })

  async function createdPort (): Promise<number> {
    const socket = createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const { port } = socket.address()
    socket.close()
    await once(socket, 'close')

    return port
  }
})

describe('who may use a tunnel', () => {
  it('is not whoever can dial it: refused before anything reaches the target', async () => {
    const target = await tcpTarget()
    const refused: string[] = []
    const stranger = await newKey()
    const end = await exposed(target.url, { listen: LOCAL, allow: [peerOf(await newKey())], onrefused: peer => { refused.push(peer) } })
    const error: any = await connect(end.addresses[0], { key: stranger, local: LOCAL_TCP }).catch(error => error)

    expect(error).to.have.property('name', 'ConnectionFailedError')
    expect(error.message).to.contain('has refused us')
    expect(refused).to.deep.equal([peerOf(stranger)])
    expect(target.sockets).to.have.lengthOf(0)
  })

  it('is asked for each stream too, on a node that others are connected to', async () => {
    const target = await tcpTarget()
    const refused: string[] = []
    const [friend, stranger] = [await newKey(), await newKey()]
    const node = await testNode(undefined, [LOCAL])
    await exposed(target.url, { node, allow: [peerOf(friend)], onrefused: peer => { refused.push(peer) } })
    const [address] = node.getMultiaddrs()
    const dialler = await testNode(stranger)
    const stream = await dialler.dialProtocol(address, '/ws-transport/tunnel/1.0.0/stream')
    const error: any = await connect(address, { key: stranger, local: LOCAL_TCP }).catch(error => error)

    await until(() => stream.status === 'reset')
    expect(error).to.have.property('name', 'ConnectionFailedError')
    expect(refused).to.deep.equal([peerOf(stranger), peerOf(stranger)])
    expect(target.sockets).to.have.lengthOf(0)
    expect(await echoed(await connected(address, { key: friend, local: LOCAL_TCP }), 'hello')).to.equal('hello')
  })

  it('may be written as a CID', async () => {
    const key = await newKey()
    const { connected } = await tunnel((await tcpTarget()).url, { key }, { allow: [`${key.publicKey.toCID()}`] })

    expect(await echoed(connected, 'hello')).to.equal('hello')
  })

  it('must be somebody', async () => {
    for (const allow of [[], ['somebody'], ['12D3KooW']]) {
      const error: any = await expose('tcp://127.0.0.1:1', { listen: LOCAL, allow }).catch(error => error)
      expect(error).to.have.property('name', 'InvalidParametersError')
    }
  })
})

describe('who is at the other end of a tunnel', () => {
  it('must be the one of the address, before anything is sent', async () => {
    const target = await tcpTarget()
    const key = await newKey()
    const end = await exposed(target.url, { listen: LOCAL, allow: [peerOf(key)] })
    const address = `${end.addresses[0]}`.replace(/\w+$/, peerOf(await newKey()))
    const error: any = await connect(address, { key, local: LOCAL_TCP }).catch(error => error)

    expect(error).to.be.an('error')
    expect(error.message).to.contain('does not match expected remote identity key')
    expect(target.sockets).to.have.lengthOf(0)
  })

  it('must be in the address', async () => {
    for (const address of ['/ip4/127.0.0.1/tcp/1/ws', 'ws://127.0.0.1:1', '/ip4/127.0.0.1/tcp/1/ws/p2p/12D3KooWDYCLyWdMRBFyNAWhxSGAVQdvPWt2LnMNzwbU1YJSg4rD/p2p-circuit']) {
      const error: any = await connect(address, { local: LOCAL_TCP }).catch(error => error)
      expect(error, address).to.have.property('name', 'InvalidParametersError')
      expect(error.message).to.contain('/p2p/ID')
    }
  })

  it('must expose the same kind', async () => {
    const key = await newKey()
    const end = await exposed((await tcpTarget()).url, { listen: LOCAL, allow: [peerOf(key)] })
    const error: any = await connect(end.addresses[0], { key, local: 'udp://127.0.0.1:0' }).catch(error => error)

    expect(error).to.have.property('name', 'ConnectionFailedError')
    expect(error.message).to.contain('exposes no UDP port')
  })
})

describe('the ends of a tunnel', () => {
  it('use a node that they are given, and leave it running', async () => {
    const key = await newKey()
    const [there, here] = [await testNode(undefined, [LOCAL]), await testNode(key)]
    const end = await exposed((await tcpTarget()).url, { node: there, allow: [peerOf(key)] })
    const local = await connected(end.addresses[0], { node: here, local: LOCAL_TCP })

    expect(await echoed(local, 'hello')).to.equal('hello')
    expect([end.peer, local.peer]).to.deep.equal([`${there.peerId}`, `${here.peerId}`])
    await Promise.all([end.close(), local.close()])
    expect([there.status, here.status]).to.deep.equal(['started', 'started'])
  })

  it('that fail because the node of the user has such a target already leave that one as it is', async () => {
    const key = await newKey()
    const { url } = await tcpTarget()
    const node = await testNode(undefined, [LOCAL])
    await exposed(url, { node, allow: [peerOf(key)] })

    await expect(expose(url, { node, allow: [peerOf(key)] })).to.eventually.be.rejected()
    expect(await echoed(await connected(node.getMultiaddrs()[0], { key, local: LOCAL_TCP }), 'hello')).to.equal('hello')
  })

  it('do not start when their signal has fired', async () => {
    const signal = AbortSignal.abort()
    const key = await newKey()

    await expect(expose('tcp://127.0.0.1:1', { listen: LOCAL, allow: [peerOf(key)], signal })).to.eventually.be.rejected().with.property('name', 'AbortError')
    await expect(connect(`/ip4/127.0.0.1/tcp/1/ws/p2p/${peerOf(key)}`, { local: LOCAL_TCP, signal })).to.eventually.be.rejected().with.property('name', 'AbortError')
  })

  it('close when their signal fires', async () => {
    const stop = new AbortController()
    const { connected, exposed } = await tunnel((await tcpTarget()).url, { signal: stop.signal }, { signal: stop.signal })
    stop.abort()

    await until(() => connected.local.length === 0 && exposed.addresses.length === 0)
  })

  it('are refused where the local address is taken, and leave nothing behind', async () => {
    const key = await newKey()
    const target = await tcpTarget()
    const end = await exposed(target.url, { listen: LOCAL, allow: [peerOf(key)] })

    await expect(connect(end.addresses[0], { key, local: target.url })).to.eventually.be.rejected().with.property('name', 'ListenError')
  })

  it('are refused where the address to listen on is taken, or there is none', async () => {
    const allow = [peerOf(await newKey())]
    const end = await exposed((await tcpTarget()).url, { listen: LOCAL, allow })
    const listen = `${end.addresses[0]}`.split('/p2p/')[0]

    await expect(expose('tcp://127.0.0.1:1', { listen, allow })).to.eventually.be.rejectedWith(listen).with.property('name', 'ListenError')
    await expect(expose('tcp://127.0.0.1:1', { allow })).to.eventually.be.rejected().with.property('name', 'InvalidParametersError')
  })

  it('are no WebSockets', async () => {
    const allow = [peerOf(await newKey())]

    await expect(expose('ws://127.0.0.1:1', { listen: LOCAL, allow })).to.eventually.be.rejected().with.property('name', 'InvalidParametersError')
  })
})

async function testNode (privateKey?: PrivateKey, listen: string[] = []): Promise<Libp2p> {
  const node = await createLibp2p({ ...nodeInit(webSockets(), listen), privateKey })
  cleanUp(async () => node.stop())

  return node
}

/** Connects, and is refused: resolves with whether that was a reset. */
async function refusal ({ local: [address] }: Connected): Promise<boolean> {
  const socket = netConnect(portOf(address), '127.0.0.1')
  socket.on('error', () => {})

  return closing(socket.resume())
}

/** A TCP port where nothing listens. */
async function vacant (): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')

  return `tcp://127.0.0.1:${port}`
}
