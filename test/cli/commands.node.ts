import { once } from 'node:events'
import { createServer } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { servePerf } from '../../src/cli/perf.ts'
import { CLOSE_TIMEOUT } from '../../src/constants.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { tcpPeer, webSocketPeer } from '../fixtures/peers.ts'
import { file, inProcess, program, start, testNode } from './fixtures.ts'
import type { Program, Result } from './fixtures.ts'
import type { Stream } from '@libp2p/interface'
import type { AddressInfo } from 'node:net'

const MIB = 1_048_576
const LOCAL = '/ip4/127.0.0.1/tcp/0/ws'
const LOCAL_TLS = '/ip4/127.0.0.1/tcp/0/tls/ws'

/** A running `listen`, and the address to dial. */
async function listening (...args: string[]): Promise<{ listener: Program, address: string }> {
  const listener = start(['listen', ...args])

  return { listener, address: await listener.line() }
}

/** A node that answers a protocol in its own way; the text of the address to dial. */
async function peer (protocol: string, handler: (stream: Stream) => unknown): Promise<string> {
  const node = await testNode({ listen: [multiaddr(LOCAL)] })
  await node.handle(protocol, async (stream) => { await handler(stream) }, { force: true })

  return `${node.getMultiaddrs()[0]}`
}

/** Where nothing listens. */
async function freeAddress (): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')

  return `/ip4/127.0.0.1/tcp/${port}/ws`
}

function expectFailure ({ code, stdout, stderr }: Result, expected: number, ...says: string[]): void {
  expect(code).to.equal(expected)
  expect(stdout).to.equal('')
  expect(stderr).to.match(/^ws-transport: .*\n$/)
  says.forEach((text) => { expect(stderr).to.contain(text) })
}

describe('demo', () => {
  it('connects two nodes, measures them, tells it in aligned lines and exits with 0', async () => {
    const { code, stdout, stderr } = await program('demo', '--size', '1MiB')
    const lines = stdout.trimEnd().split('\n')

    expect(code, stderr).to.equal(0)
    expect(lines).to.have.lengthOf(7)
    expect(lines[0]).to.match(/^listener {4}\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws\/p2p\/\w+$/)
    expect(lines[1]).to.match(/^dialer {6}\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws/)
    expect(lines[2]).to.equal('security    /noise')
    expect(lines[3]).to.equal('muxer       /yamux/1.0.0')
    expect(lines[4]).to.match(/^round trip {2}min [\d.]+ ms, median [\d.]+ ms, max [\d.]+ ms \(20 pings\)$/)
    expect(lines[5]).to.match(/^upload {6}1\.00 MiB in [\d.]+ m?s, [\d.]+ \wiB\/s$/)
    expect(lines[6]).to.match(/^download {4}1\.00 MiB in [\d.]+ m?s, [\d.]+ \wiB\/s$/)
    expect(stderr.match(/^\w+: \d+ % of 1\.00 MiB$/gm)).to.deep.equal(['upload', 'download'].flatMap(way => [25, 50, 75, 100].map(percent => `${way}: ${percent} % of 1.00 MiB`)))
  })

  it('ends without waiting for its own connection to time out', async () => {
    const demo = start(['demo', '--size', '1KiB', '--json'])
    await demo.line()
    const done = performance.now()

    expect((await demo.result).code).to.equal(0)
    expect(performance.now() - done).to.be.lessThan(CLOSE_TIMEOUT)
  })

  it('prints one JSON document', async () => {
    const { code, stdout } = await inProcess(['demo', '--size', '1MiB', '--json'])
    const report = JSON.parse(stdout)

    expect(code).to.equal(0)
    expect(report).to.include({ security: '/noise', muxer: '/yamux/1.0.0' })
    expect(report.listener).to.match(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws\/p2p\//)
    expect(report.upload.bytes).to.equal(MIB)
    expect(report.download.bytes).to.equal(MIB)
    expect(report.upload.bytesPerSecond).to.be.closeTo(MIB / report.upload.seconds, 1)
    expect(report.roundTrips.count).to.equal(20)
    expect(report.roundTrips.min).to.be.greaterThan(0).and.at.most(report.roundTrips.p50)
    expect(report.roundTrips.max).to.be.at.least(report.roundTrips.p50)
  })
})

describe('listen', () => {
  it('prints each address on a line of its own, and answers ping and perf of other processes', async () => {
    const listener = start(['listen', LOCAL, LOCAL])
    const addresses = [await listener.line(), await listener.line()]

    const ping = await program('ping', addresses[0], '--count', '3', '--json')
    const report = JSON.parse(ping.stdout)
    expect(ping.code, ping.stderr).to.equal(0)
    expect(report).to.include({ address: addresses[0], security: '/noise', muxer: '/yamux/1.0.0' })
    expect(addresses[0]).to.contain(report.peer)
    expect(report.roundTrips.count).to.equal(3)
    expect(ping.stderr.match(/^ping \d: [\d.]+ ms$/gm)).to.have.lengthOf(3)

    const perf = await program('perf', addresses[1], '--upload', '1MiB', '--download', '2MiB', '--json')
    expect(perf.code, perf.stderr).to.equal(0)
    expect(JSON.parse(perf.stdout)).to.include({ type: 'final', uploadBytes: MIB, downloadBytes: 2 * MIB })
  })

  it('answers echo', async () => {
    const { address } = await listening(LOCAL)
    const node = await testNode()
    const stream = await node.dialProtocol(multiaddr(address), '/echo/1.0.0')

    stream.send(Uint8Array.of(1, 2, 3))
    const [{ data }] = await once(stream, 'message')
    await stream.close()

    expect([...data.subarray()]).to.deep.equal([1, 2, 3])
  })

  it('prints peer and addresses as one JSON document', async () => {
    const listener = start(['listen', LOCAL, '--json'])
    const { peer, addresses } = JSON.parse(await listener.line())

    expect(addresses).to.have.lengthOf(1)
    expect(addresses[0]).to.match(new RegExp(`^/ip4/127\\.0\\.0\\.1/tcp/[1-9]\\d*/ws/p2p/${peer}$`))
  })

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`closes its connections and exits with 0 on ${signal}`, async () => {
      const { listener, address } = await listening(LOCAL)
      const node = await testNode()
      const connection = await node.dial(multiaddr(address))
      const closed = once(connection, 'close')

      listener.kill(signal)

      expect((await listener.result).code).to.equal(0)
      const [{ error }] = await closed
      expect(error).to.equal(undefined)
    })
  }

  it('stops when whoever read its output goes away', async () => {
    // its second write comes when nobody reads any more
    const listener = start(['listen', LOCAL], [`data:text/javascript,${encodeURIComponent('process.once("SIGUSR2", () => { process.stdout.write("more") })')}`])
    await listener.line()

    listener.closeStdout()
    listener.kill('SIGUSR2')

    expect((await listener.result).code).to.equal(0)
  })

  it('goes on when whoever read its talk goes away', async () => {
    const listener = start(['listen', LOCAL], [`data:text/javascript,${encodeURIComponent('process.once("SIGUSR2", () => { process.stderr.write("more", () => { process.stdout.write("failed\\n") }) })')}`])
    await listener.line()

    listener.closeStderr()
    listener.kill('SIGUSR2')
    expect(await listener.line()).to.equal('failed')
    listener.kill('SIGTERM')

    expect((await listener.result).code).to.equal(0)
  })

  it('says which IPv6 address it does without, and why', async () => {
    // reserved for documentation, so no machine has it
    const absent = '/ip6/2001:db8::1/tcp/0/ws'
    const listener = start(['listen', LOCAL, absent])
    await listener.line()
    listener.kill('SIGTERM')

    const { code, stdout, stderr } = await listener.result
    expect(code).to.equal(0)
    expect(stdout.trimEnd().split('\n')).to.have.lengthOf(1)
    expect(stderr).to.match(new RegExp(`^Could not listen on ${absent}: .+; going on without it\n`))
  })

  it('exits with 1 and names the address where the port is taken', async () => {
    const { address } = await tcpPeer()

    expectFailure(await program('listen', `${address}`), 1, `${address}`)
  })

  it('listens on the other addresses of a failed start no more', async () => {
    const { address } = await tcpPeer()
    const { code } = await inProcess(['listen', LOCAL, `${address}`])

    // the sockets that it opened are found by the check at the end of the run
    expect(code).to.equal(1)
  })
})

describe('listen, ping and perf over TLS', () => {
  let address: string
  let cert: string

  beforeEach(async () => {
    const certificate = await createCertificate()
    cert = await file('cert.pem', certificate.cert)
    const key = await file('key.pem', certificate.key)
    address = (await listening(LOCAL_TLS, '--key', key, '--cert', cert)).address
  })

  it('exits with 2 and names the files where the certificate is not that of the key', async () => {
    const other = await file('other.pem', (await createCertificate()).key)

    expectFailure(await inProcess(['listen', LOCAL_TLS, '--key', other, '--cert', cert]), 2, `--cert "${cert}"`, `--key "${other}"`)
  })

  it('trusts the authority of --ca', async () => {
    expect(address).to.contain('/tls/ws')
    expect(await inProcess(['ping', address, '--count', '1', '--ca', cert])).to.have.property('code', 0)
  })

  it('accepts any certificate with --insecure', async () => {
    expect(await inProcess(['perf', address, '--upload', '1', '--download', '1', '--insecure'])).to.have.property('code', 0)
  })

  it('refuses a certificate that nobody vouches for, and says what to do', async () => {
    expectFailure(await inProcess(['ping', address]), 3, address, 'tls failed', '--ca FILE', '--insecure')
  })

  it('says so where the server does not speak TLS', async () => {
    const plain = (await listening(LOCAL)).address.replace('/ws/', '/tls/ws/')

    expectFailure(await inProcess(['ping', plain]), 3, plain, 'tls failed', 'does the server speak TLS on this port?')
  })

  it('names the way to another name where the certificate has not the one dialled', async () => {
    const other = address.replace('/tls/ws', '/tls/sni/other.example/ws')

    expectFailure(await inProcess(['ping', other, '--ca', cert]), 3, 'tls failed', '/tls/sni/NAME/ws')
  })
})

describe('ping and perf, without a connection', () => {
  for (const command of ['ping', 'perf']) {
    it(`exit with 3 where nothing listens: ${command}`, async () => {
      const address = await freeAddress()

      expectFailure(await program(command, address), 3, `could not connect to ${address}: connect failed`, 'ECONNREFUSED', 'nothing listens there')
    })
  }

  it('name the status of a server that is no WebSocket server', async () => {
    const { address } = await webSocketPeer({ verifyClient: () => false })

    expectFailure(await inProcess(['ping', `${address}`]), 3, `${address}`, 'upgrade failed', '401')
  })

  it('name the stage where the peer is no WebSocket server', async () => {
    const { address, accept } = await tcpPeer()
    void accept().then((socket) => { socket.once('data', () => { socket.destroy() }) })

    expectFailure(await inProcess(['ping', `${address}`]), 3, `${address}`, 'upgrade failed', 'is it a WebSocket server?')
  })

  it('name the stage where a WebSocket is not a libp2p node', async () => {
    const { address, accept } = await webSocketPeer()
    void accept().then(({ socket }) => { socket.close() })

    expectFailure(await inProcess(['ping', `${address}`]), 3, `${address}`, 'noise failed', 'is it a libp2p node')
  })

  it('name the stage where the peer is not the one of the address', async () => {
    const [listener, other] = [await testNode({ listen: [multiaddr(LOCAL)] }), await testNode()]
    const address = `${listener.getMultiaddrs()[0]}`.replace(/\w+$/, `${other.peerId}`)

    expectFailure(await inProcess(['ping', address]), 3, address, 'noise failed', 'the one that the /p2p part of the address names')
  })

  it('exit with 130 when interrupted', async () => {
    const { address, accept } = await tcpPeer()
    const stop = new AbortController()
    const result = inProcess(['ping', `${address}`], { signal: stop.signal })

    await accept()
    stop.abort()

    expect(await result).to.deep.equal({ code: 130, stdout: '', stderr: 'interrupted\n' })
  })
})

describe('ping and perf, with a peer that misbehaves', () => {
  // what was negotiated is on stdout by then
  function expectTold ({ code, stderr }: Result, says: string): void {
    expect(code).to.equal(1)
    expect(stderr).to.match(/^ws-transport: .*$/m)
    expect(stderr).to.contain(says)
  }

  it('fail with 1 where it does not speak the protocol', async () => {
    const node = await testNode({ listen: [multiaddr(LOCAL)] })

    expectTold(await inProcess(['perf', `${node.getMultiaddrs()[0]}`]), '/perf/1.0.0')
  })

  it('fail with 1 where a ping is answered with something else', async () => {
    const address = await peer('/ipfs/ping/1.0.0', async (stream) => {
      stream.send(new Uint8Array(32))
      await stream.close()
    })

    expectTold(await inProcess(['ping', address]), 'not its payload')
  })

  it('fail with 1 where a ping is not answered', async () => {
    const address = await peer('/ipfs/ping/1.0.0', async (stream) => { await stream.close() })

    expectTold(await inProcess(['ping', address]), 'not its payload')
  })

  it('count a ping whose stream is reset after the answer', async () => {
    const address = await peer('/ipfs/ping/1.0.0', (stream) => {
      stream.addEventListener('message', ({ data }) => { stream.send(data) })
      stream.addEventListener('remoteCloseWrite', () => { stream.abort(new Error('done')) })
    })

    expect(await inProcess(['ping', address, '--count', '2'])).to.have.property('code', 0)
  })

  it('fail with 1 where less comes than was asked for', async () => {
    const address = await peer('/perf/1.0.0', async (stream) => {
      stream.send(new Uint8Array(10))
      await stream.close()
    })

    expectTold(await inProcess(['perf', address, '--upload', '0', '--download', '11']), 'sent 10 of the 11 bytes')
  })

  it('fail with 1 where more comes than was asked for, without waiting for its end', async () => {
    const address = await peer('/perf/1.0.0', (stream) => { stream.send(new Uint8Array(12)) })

    expectTold(await inProcess(['perf', address, '--upload', '0', '--download', '11']), 'more than the 11 bytes')
  })

  it('fail with 1 where the stream is reset in the middle', async () => {
    const address = await peer('/perf/1.0.0', (stream) => {
      stream.addEventListener('message', () => { stream.abort(new Error('enough')) }, { once: true })
    })

    expectTold(await inProcess(['perf', address]), 'reset')
  })
})

describe('ping and perf, when done', () => {
  for (const args of [['ping', '--count', '1'], ['perf', '--upload', '1MiB', '--download', '1MiB']]) {
    it(`end without waiting for more than the clean close of the connection: ${args[0]}`, async () => {
      const node = await testNode({ listen: [multiaddr(LOCAL)] })
      await servePerf(node)
      const opened = once(node, 'connection:open')
      const program = start([...args, `${node.getMultiaddrs()[0]}`, '--json'])
      const [{ detail: connection }] = await opened
      const closed = once(connection, 'close')

      await program.line()
      const done = performance.now()
      const { code, stderr } = await program.result

      expect(code, stderr).to.equal(0)
      expect(performance.now() - done).to.be.lessThan(CLOSE_TIMEOUT)
      expect((await closed)[0].error).to.equal(undefined)
    })
  }
})

describe('perf', () => {
  it('reports each second what came since the last report, until it is interrupted', async () => {
    const { address } = await listening(LOCAL)
    const perf = start(['perf', address, '--upload', '0', '--download', '1TiB', '--json'])
    const reports = [JSON.parse(await perf.line()), JSON.parse(await perf.line())]

    perf.kill('SIGINT')

    expect((await perf.result).code).to.equal(130)
    reports.forEach((report) => {
      expect(report).to.include({ type: 'intermediary', uploadBytes: 0 })
      expect(report.timeSeconds).to.be.closeTo(1, 0.5)
      expect(report.downloadBytes).to.be.greaterThan(MIB)
    })
    expect(reports[1].downloadBytes).to.be.lessThan(3 * reports[0].downloadBytes)
  })

  it('leaves out a direction of 0 bytes', async () => {
    const { address } = await listening(LOCAL)
    const { stdout } = await inProcess(['perf', address, '--upload', '0', '--download', '1'])

    expect(stdout).to.match(/^download +1 B in /m)
    expect(stdout).to.not.contain('upload')
  })
})
