/** What the real libraries do at the edges: TLS, paths, refusals, sizes, pings, restarts. */
import { writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { webSockets } from '../../src/index.ts'
import { HttpServers, listen } from '../../src/server/index.ts'
import * as sp from '../../src/sp/index.ts'
import { file } from '../cli/fixtures.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { createNode } from '../fixtures/nodes.ts'
import { pattern } from '../fixtures/streams.ts'
import { until } from '../fixtures/until.ts'
import { exchange, freePort, open as openChannel, portOf, rejection } from '../server/fixtures.ts'
import { event, freeUrl, needs, open, peers, text, tool } from './fixtures.ts'
import type { Certificate } from '../fixtures/certificate.ts'

const RETRY = { reconnectMin: 50 }
const MIB = 1_048_576

/** A file for the tools to send. */
async function bytesFile (size: number): Promise<string> {
  const path = await file('bytes', '')
  await writeFile(path, pattern(size))

  return path
}

async function takeAnswers (socket: sp.Rep): Promise<void> {
  for await (const request of socket) {
    await request.reply(`node:${text(request.body)}`)
  }
}

async function ask (url: string): Promise<Uint8Array> {
  const socket = open(sp.req())
  await socket.dial(url)

  return socket.request('still there?')
}

describe('sp over TLS, with nngcat', function () {
  this.timeout(10_000)
  let certificate: Certificate

  before(async function () {
    needs(this, 'nngcat')
    certificate = await createCertificate()
  })

  it('answers where it listens', async () => {
    const socket = open(sp.rep())
    const { addresses } = await socket.listen('wss://127.0.0.1:0/s', { https: certificate })
    void takeAnswers(socket)
    // its TLS checks names, not IP addresses
    const peer = tool('nngcat', '--req', '--dial', `wss4://localhost:${portOf(addresses[0])}/s`, '--cacert', await file('c.pem', certificate.cert), '-D', 'hello', '-Q')

    expect(await peer.printed(1)).to.deep.equal(['"node:hello"'])
  })

  it('asks where it dials, and trusts whom it is told to', async () => {
    const url = (await freeUrl('/s')).replace('ws:', 'wss:')
    const peer = tool('nngcat', '--rep', '--listen', url, '--cert', await file('c.pem', certificate.cert), '--key', await file('k.pem', certificate.key), '-D', 'world', '-Q')
    const socket = open(sp.req(RETRY))
    await socket.dial(url, { tls: { ca: certificate.cert }, background: true })

    expect(text(await socket.request('hello'))).to.equal('world')
    expect(await peer.printed(1)).to.deep.equal(['"hello"'])
    expect(await rejection(open(sp.req()).dial(url))).to.have.property('stage', 'tls')
  })
})

describe('sp on paths, with nngcat', function () {
  this.timeout(10_000)

  before(function () {
    needs(this, 'nngcat')
  })

  it('takes a path and leaves the query to the pipe', async () => {
    const url = await freeUrl('/app/x')
    const socket = open(sp.pull())
    await socket.listen(url)
    const added = event(socket, 'pipe:add')
    tool('nngcat', '--push', '--dial', `${url}?q=1`, '-D', 'job')

    expect((await added).path).to.equal('/app/x?q=1')
    expect(text(await socket.receive())).to.equal('job')
  })

  it('sends path and query', async () => {
    const url = await freeUrl('/app/x?q=1')
    const peer = tool('nngcat', '--pull', '--listen', url, '-Q')
    const socket = open(sp.push(RETRY))
    await socket.dial(url, { background: true })
    await socket.send('job')

    expect(await peer.printed(1)).to.deep.equal(['"job"'])
  })

  it('has nothing on other paths', async () => {
    const url = await freeUrl('/app')
    await open(sp.pull()).listen(url)
    const peer = tool('nngcat', '--push', '--dial', `${url}/x`, '-D', 'job')

    expect(await peer.exited).to.equal(1)
    expect(peer.stderr).to.include('Connection refused')
  })

  it('says with which status another path was refused', async () => {
    const url = await freeUrl('/app')
    tool('nngcat', '--pull', '--listen', url)
    const socket = open(sp.push(RETRY))
    await socket.dial(url, { background: true })
    await peers(socket)

    expect(await rejection(socket.dial(`${url}/x`))).to.have.nested.property('cause.status', 404)
  })
})

describe('sp with a peer of another protocol', function () {
  this.timeout(10_000)

  for (const [ours, theirs, offer] of [['pair', 'pair1', 'pair1'], ['rep', 'pub', 'sub']] as const) {
    it(`refuses ${theirs} of nngcat at ${ours}, and says so`, async function () {
      needs(this, 'nngcat')
      const url = await freeUrl()
      const socket = open(sp[ours]())
      await socket.listen(url)
      const refused = event(socket, 'pipe:refuse')
      const peer = tool('nngcat', `--${theirs}`, '--dial', url, '-D', 'hi')

      expect(await peer.exited).to.equal(1)
      expect(peer.stderr).to.include('Protocol error')
      const { address, error } = await refused
      expect(address).to.match(/^127\.0\.0\.1:\d+$/)
      expect(error).to.have.property('name', 'UnsupportedProtocolError')
      expect(error.message).to.include(`${offer}.sp.nanomsg.org`).and.to.include(`${ours}.sp.nanomsg.org`)
      expect(socket.pipeCount).to.equal(0)
    })
  }

  it('is refused by nngcat', async function () {
    needs(this, 'nngcat')
    const url = await freeUrl()
    tool('nngcat', '--rep', '--listen', url)
    const right = open(sp.req(RETRY))
    await right.dial(url, { background: true })
    await peers(right)

    expect(await rejection(open(sp.pub()).dial(url))).to.have.nested.property('cause.status', 400)
  })

  it('is not left waiting by nanocat, which never ends its answer', async function () {
    needs(this, 'nanocat')
    const url = await freeUrl()
    tool('nanocat', '--rep', '--bind', url)
    const right = open(sp.req(RETRY))
    await right.dial(url, { background: true })
    await peers(right)

    expect(await rejection(open(sp.pub()).dial(url, { handshakeTimeout: 300 }))).to.have.property('name', 'TimeoutError')
  })
})

describe('sp messages of all sizes', function () {
  this.timeout(20_000)

  for (const size of [200_000, 1_500_000]) {
    it(`takes ${size} bytes from nngcat, whoever listens`, async function () {
      needs(this, 'nngcat')
      const socket = open(sp.pull({ ...RETRY, maxMessage: 2 * MIB }))
      const [mine, theirs] = [await freeUrl(), await freeUrl()]
      const path = await bytesFile(size)
      await socket.listen(mine)
      tool('nngcat', '--push', '--dial', mine, '-F', path)
      expect(Buffer.from(await socket.receive()).equals(pattern(size))).to.equal(true)

      tool('nngcat', '--push', '--listen', theirs, '-d', '1', '-F', path)
      await socket.dial(theirs, { background: true })
      expect(Buffer.from(await socket.receive()).equals(pattern(size))).to.equal(true)
    })

    it(`sends ${size} bytes to nngcat, whoever listens`, async function () {
      needs(this, 'nngcat')
      const socket = open(sp.push(RETRY))
      const [mine, theirs] = [await freeUrl(), await freeUrl()]
      await socket.listen(mine)
      const dialer = tool('nngcat', '--pull', '--dial', mine, '--raw')
      await socket.send(pattern(size))
      await until(() => dialer.stdout.length === size)
      expect(dialer.stdout.equals(pattern(size))).to.equal(true)
      const removed = event(socket, 'pipe:remove')
      await dialer.kill()
      await removed

      const listener = tool('nngcat', '--pull', '--listen', theirs, '--raw')
      await socket.dial(theirs, { background: true })
      await socket.send(pattern(size))
      await until(() => listener.stdout.length === size)
      expect(listener.stdout.equals(pattern(size))).to.equal(true)
    })
  }

  it('takes 1 MiB from nanocat, and no more', async function () {
    needs(this, 'nanocat')
    const url = await freeUrl()
    const socket = open(sp.bus())
    await socket.listen(url)
    // a PUSH would leave before it has sent everything
    tool('nanocat', '--bus', '--connect', url, '-d', '1', '-F', await bytesFile(MIB), '--recv-timeout', '10')
    expect(Buffer.from(await socket.receive()).equals(pattern(MIB))).to.equal(true)

    const removed = event(socket, 'pipe:remove')
    tool('nanocat', '--bus', '--connect', url, '-d', '1', '-F', await bytesFile(MIB + 1), '--recv-timeout', '10')
    expect((await removed).close.error).to.include({ name: 'MessageTooLargeError', limit: MIB })
  })

  it('sends 1 MiB to nanocat, which takes no more', async function () {
    needs(this, 'nanocat')
    const url = await freeUrl()
    const socket = open(sp.push())
    await socket.listen(url)
    const peer = tool('nanocat', '--pull', '--connect', url, '--raw')
    await socket.send(pattern(MIB))
    await until(() => peer.stdout.length === MIB)
    expect(peer.stdout.equals(pattern(MIB))).to.equal(true)

    const removed = event(socket, 'pipe:remove')
    await socket.send(pattern(MIB + 1))
    expect((await removed).close.code).to.equal(1009)
  })
})

describe('sp sockets on one port', function () {
  this.timeout(10_000)

  it('stand beside each other, a libp2p node, any other WebSocket, and a handler of requests', async function () {
    needs(this, 'nngcat')
    const servers = new HttpServers()
    const port = await freePort()
    const url = `ws://127.0.0.1:${port}`
    const address = `/ip4/127.0.0.1/tcp/${port}/ws/http-path/libp2p`
    // the first on the port, so its handler is the one
    const node = await createNode(webSockets({ servers, onrequest: (_, response) => { response.end('a page') } }), [address])
    const [replier, puller] = [open(sp.rep()), open(sp.pull())]
    await replier.listen(`${url}/a`, { servers })
    await puller.listen(`${url}/b`, { servers })
    void takeAnswers(replier)
    const other = await listen(`${url}/c`, { servers }, channel => {
      channel.onmessage = data => { channel.send(data) }
    })
    cleanUp(async () => other.close())

    tool('nngcat', '--push', '--dial', `${url}/b`, '-D', 'job')
    expect(text(await puller.receive())).to.equal('job')
    expect(await tool('nngcat', '--req', '--dial', `${url}/a`, '-D', 'hello', '-Q').printed(1)).to.deep.equal(['"node:hello"'])
    expect(await exchange(await openChannel(`${url}/c`), 'echo')).to.equal('echo')
    const response = await fetch(`http://127.0.0.1:${port}/index.html`, { headers: { Connection: 'close' } })
    expect(await response.text()).to.equal('a page')

    const dialer = await createNode(webSockets())
    const connection = await dialer.dial(multiaddr(address))
    expect(connection.remotePeer.equals(node.peerId)).to.equal(true)

    // the others do not need the one that opened the port
    await node.stop()
    expect(text(await ask(`${url}/a`))).to.equal('node:still there?')
    await expect(dialer.dial(multiaddr(address))).to.eventually.be.rejected()
  })
})

describe('sp and pings', function () {
  this.timeout(10_000)

  it('keeps a silent nngcat, which answers them', async function () {
    needs(this, 'nngcat')
    const url = await freeUrl()
    const peer = tool('nngcat', '--pair0', '--listen', url, '-Q')
    const socket = open(sp.pair({ ...RETRY, keepAlive: 30, keepAliveTimeout: 500 }))
    await socket.dial(url, { background: true })
    await peers(socket)
    // over twice the time after which it would be dead
    await delay(1_200)
    await socket.send('alive')

    expect(await peer.printed(1)).to.deep.equal(['"alive"'])
  })

  it('does not ping nanocat, which would take that for a message', async function () {
    needs(this, 'nanocat')
    const url = await freeUrl()
    const socket = open(sp.bus())
    await socket.listen(url)
    const peer = tool('nanocat', '--bus', '--connect', url, '-Q')
    await peers(socket)

    const pinging = open(sp.bus({ keepAlive: 30, keepAliveTimeout: 5_000 }))
    const other = await freeUrl()
    await pinging.listen(other)
    const pinged = tool('nanocat', '--bus', '--connect', other, '-Q')

    // this one shows what it looks like, and that the other had the time
    expect(await pinged.printed(1)).to.deep.equal(['""'])
    await socket.send('a message')
    expect(await peer.printed(1)).to.deep.equal(['"a message"'])
  })
})

describe('sp after a restart', function () {
  this.timeout(20_000)

  for (const name of ['nngcat', 'nanocat'] as const) {
    it(`dials ${name} again`, async function () {
      needs(this, name)
      const url = await freeUrl()
      const socket = open(sp.push(RETRY))
      await socket.dial(url, { background: true })

      for (const job of ['one', 'two']) {
        const peer = tool(name, '--pull', '--bind', url, '-Q')
        await peers(socket)
        await socket.send(job)
        expect(await peer.printed(1)).to.deep.equal([`"${job}"`])
        const removed = event(socket, 'pipe:remove')
        await peer.kill()
        await removed
      }
    })

    it(`is dialled again by ${name}`, async function () {
      needs(this, name)
      this.timeout(5_000)
      const url = await freeUrl()
      const peer = tool(name, ...(name === 'nngcat' ? ['--async'] : []), '--pull', '--connect', url, '-Q')
      // nanomsg 1.1.5 may lose the timer of its redial where its first dial succeeds, with a bare TCP server too: that dial
      // must fail, and nothing tells that it has
      await delay(name === 'nanocat' ? 500 : 0)

      for (const count of [1, 2]) {
        // nanomsg is lost for good after a Close frame
        const socket = open(sp.push({ closeFrame: name === 'nngcat' }))
        await socket.listen(url)
        await peers(socket)
        await socket.send(`job ${count}`)
        expect((await peer.printed(count)).at(-1)).to.equal(`"job ${count}"`)
        await socket.close()
      }
    })
  }

  it('asks again when its replier dies', async function () {
    needs(this, 'nngcat')
    const [silent, good] = [await freeUrl(), await freeUrl()]
    const socket = open(sp.req(RETRY))
    const mute = open(sp.rep())
    await mute.listen(silent)
    await socket.dial(silent)
    const reply = socket.request('hello')
    expect(text((await mute.receive()).body)).to.equal('hello')

    tool('nngcat', '--rep', '--listen', good, '-D', 'world')
    await socket.dial(good, { background: true })
    await peers(socket, 2)
    await mute.close()
    expect(text(await reply)).to.equal('world')
  })
})
