import { once } from 'node:events'
import { expect } from 'aegir/chai'
import { formatAddress } from '../../src/address/index.ts'
import { listen } from '../../src/server/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { webSocketClient } from '../fixtures/peers.ts'
import { echo, open, portOf, rawClient, rawTlsClient, refusesTcp, serve, socketPath, upgradeRequest } from './fixtures.ts'
import type { Served } from './fixtures.ts'
import type { Channel, ChannelClose } from '../../src/channel/index.ts'
import type { ListenOptions } from '../../src/server/index.ts'
import type { Certificate } from '../fixtures/certificate.ts'

const HALF_HELLO = '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'

/** A test would be over before the server had given up on anything. */
const PATIENT = { handshakeTimeout: 60_000, closeTimeout: 60_000 }

/** More than all buffers between two sockets hold. */
const MUCH = new Uint8Array(16 * 1_048_576)

/** Whichever of the two that wait for it ended it. */
function expectTimeout (channel: Channel, { code, wasClean, error }: ChannelClose): void {
  expect({ code, wasClean }).to.deep.equal({ code: 1006, wasClean: false })
  expect(error).to.have.property('name', 'TimeoutError')
  expect(error?.message).to.include(`Could not close ${formatAddress(channel.remote)}: `).and.include('100 ms')
}

describe('close', () => {
  let certificate: Certificate

  before(async () => {
    certificate = await createCertificate()
  })

  const serveSecure = async (options: ListenOptions): Promise<Served> => serve({ ...options, https: certificate })

  it('waits for no client that is still shaking hands, and has counted each', async () => {
    const { server, port, connected, failures } = await serveSecure(PATIENT)
    const clients = [
      await rawTlsClient(port),
      await rawTlsClient(port, upgradeRequest().slice(0, -2)),
      await rawClient(port),
      await rawClient(port, HALF_HELLO),
      await rawClient(port, 'GET / HTTP/1.1\r\nA: ')
    ]
    await connected(clients.length)

    await server.close()
    expect(failures).to.have.lengthOf(clients.length)
    await Promise.all(clients.map(async ({ closed }) => closed))
  })

  it('waits for no idle client on a Unix socket', async () => {
    const path = await socketPath()
    const { server, connected } = await serve(PATIENT, `/unix/${encodeURIComponent(path)}/ws`)
    const client = await rawClient(path)
    await connected(1)

    await server.close()
    await client.closed
  })

  it('waits for no client that does not read its refusal', async () => {
    const { server, port, connected } = await serve(PATIENT, '/ip4/127.0.0.1/tcp/0/ws/http-path/a')
    const client = await rawClient(port)
    client.socket.pause()
    client.socket.write(upgradeRequest())
    await connected(1)

    await server.close()
    client.socket.resume()
    await client.closed
  })

  it('closes channels with 1001', async () => {
    const { server, port, channels, accepted } = await serveSecure(PATIENT)
    const ours = await open(server.addresses[0])
    const secure = await open(server.addresses[1], { tls: { ca: certificate.cert } })
    const theirs = await webSocketClient(`ws://127.0.0.1:${port}`)
    const theirClose = once(theirs, 'close')
    await accepted(3)

    await server.close()
    expect(await ours.closed).to.include({ code: 1001, wasClean: true })
    expect(await secure.closed).to.include({ code: 1001, wasClean: true })
    expect((await theirClose)[0]).to.equal(1001)
    expect(channels.map(({ status }) => status)).to.deep.equal(['closed', 'closed', 'closed'])
    expect(server.channels).to.equal(0)
  })

  it('sends what is queued before it closes', async () => {
    const { server, accepted } = await serve(PATIENT)
    const channel = await open(server.addresses[0])
    let received = 0
    channel.onmessage = data => { received += data.length }
    const inbound = await accepted()
    inbound.send(MUCH.subarray(0, 4_000_000))

    await server.close()
    expect(await channel.closed).to.include({ code: 1001, wasClean: true })
    expect(received).to.equal(4_000_000)
  })

  it('closes a channel that nobody listens to', async () => {
    const { server, accepted } = await serve(PATIENT, undefined, () => {})
    const channel = await open(server.addresses[0])
    channel.send(new Uint8Array(100_000))
    await accepted()

    await server.close()
    expect(await channel.closed).to.include({ code: 1001, wasClean: true })
  })

  for (const tls of [false, true]) {
    it(`aborts a channel whose peer does not read, ${tls ? 'TLS' : 'plain'}, and closes the others well`, async () => {
      const { server, port, accepted } = await serveSecure({ closeTimeout: 100 })
      const connect = tls ? rawTlsClient : rawClient
      const stalled = await connect(port, upgradeRequest())
      stalled.socket.pause()
      const inbound = await accepted()
      inbound.send(MUCH)
      const good = await open(server.addresses[0])
      await accepted(2)

      await server.close()
      expect(await good.closed).to.include({ code: 1001, wasClean: true })
      expectTimeout(inbound, await inbound.closed)
      expect(inbound.bufferedAmount).to.equal(0)
      stalled.socket.resume()
      await stalled.closed
    })
  }

  it('aborts a channel whose peer reads, but takes too long', async () => {
    const { server, accepted } = await serve({ closeTimeout: 100 })
    const slow = await open(server.addresses[0], { mode: 'bytes', maxMessage: MUCH.length })
    let chunks = 0
    slow.onmessage = () => {
      // a break now and then: fast enough for the channel to go on with it
      if (++chunks % 3 === 0) {
        slow.pause()
        setTimeout(() => { slow.resume() }, 3)
      }
    }
    const inbound = await accepted()
    inbound.send(MUCH)

    await server.close()
    expectTimeout(inbound, await inbound.closed)
  })

  it('aborts a channel whose peer does not answer its Close frame', async () => {
    const { server, port, accepted } = await serve({ closeTimeout: 100 })
    const mute = await rawClient(port, upgradeRequest())
    const inbound = await accepted()

    await server.close()
    // FIN, Close, 2 bytes, code 1001
    expect((await mute.closed).endsWith('\x88\x02\x03\xe9')).to.be.true()
    expectTimeout(inbound, await inbound.closed)
  })

  it('refuses what comes while it closes', async () => {
    const { server, port, accepted, channels } = await serve({ closeTimeout: 100 })
    const mute = await rawClient(port, upgradeRequest())
    await accepted()
    const closed = server.close()

    await expect(refusesTcp(port)).to.eventually.be.true()
    expect(channels[0].status).to.equal('closing')
    await closed
    await mute.closed
    await expect(refusesTcp(port)).to.eventually.be.true()
  })

  it('lets a second call wait for the same end', async () => {
    const { server, port, accepted } = await serve({ closeTimeout: 100 })
    const mute = await rawClient(port, upgradeRequest())
    const inbound = await accepted()
    const statuses: string[] = []

    await Promise.all([0, 1, 2].map(async () => {
      await server.close()
      statuses.push(inbound.status)
    }))
    await server.close()
    expect(statuses).to.deep.equal(['closed', 'closed', 'closed'])
    await mute.closed
  })

  it('copes with a channel that is closing already', async () => {
    const { server, accepted } = await serve(PATIENT)
    const channel = await open(server.addresses[0])
    const inbound = await accepted()
    const own = inbound.close(4000, 'done')

    await Promise.all([server.close(), own])
    expect(await channel.closed).to.include({ code: 4000, reason: 'done' })
  })

  it('can be called from onconnection', async () => {
    let closed: Promise<void> | undefined
    const server = await listen('/ip4/127.0.0.1/tcp/0/ws', { ...PATIENT, onconnection: () => { closed = server.close() } }, echo)
    const client = await rawClient(portOf(server.addresses[0]))

    await client.closed
    expect(closed).to.be.a('promise')
    await closed
  })

  it('can be called from onChannel', async () => {
    let inbound: Channel | undefined
    const { server } = await serve(PATIENT, undefined, channel => {
      inbound = channel
      echo(channel)
      void server.close()
    })
    const channel = await open(server.addresses[0])

    expect(await channel.closed).to.include({ code: 1001, wasClean: true })
    await server.close()
    expect(inbound).to.have.property('status', 'closed')
  })
})
