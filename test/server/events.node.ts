import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect } from 'aegir/chai'
import { listen } from '../../src/server/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { exchange, open, portOf, rawClient, serve, upgradeRequest } from './fixtures.ts'
import type { DropReason } from '../../src/server/index.ts'
import type { Server as NetServer } from 'node:net'

/** Node's server under the next one that listens. */
async function nodeServer (): Promise<NetServer> {
  const { promise, resolve } = Promise.withResolvers<NetServer>()
  const listening = 'tracing:net.server.listen:asyncStart'
  const onlisten = (message: unknown): void => { resolve((message as { server: NetServer }).server) }

  subscribe(listening, onlisten)
  cleanUp(() => { unsubscribe(listening, onlisten) })

  return promise
}

describe('server events', () => {
  it('onconnection comes for every socket, whatever becomes of it', async () => {
    const served = await serve({ https: await createCertificate() })
    await rawClient(served.port)
    await rawClient(served.port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await rawClient(served.port, '\x16')
    await open(served.server.addresses[0])
    await open(served.server.addresses[1], { tls: { rejectUnauthorized: false } })
    await served.connected(5)

    await served.server.close()
    expect(served.connections).to.equal(5)
  })

  it('ondrop comes for a socket that Node refuses', async () => {
    const listening = nodeServer()
    const { promise: dropped, resolve: ondrop } = Promise.withResolvers<DropReason>()
    const served = await serve({ ondrop });
    (await listening).maxConnections = 1
    const channel = await open(served.server.addresses[0])

    const client = await rawClient(served.port)
    expect(await dropped).to.equal('connections')
    await client.closed
    await expect(exchange(channel, 'the one that fits')).to.eventually.equal('the one that fits')
    expect(served.failures).to.be.empty()
    expect(served.connections).to.equal(1)
  })

  it('onerror comes for an error of the listening socket, which serves on', async () => {
    const listening = nodeServer()
    const errors: Error[] = []
    const { server } = await serve({ onerror: error => { errors.push(error) } })
    const error = new Error('accept ENFILE');
    (await listening).emit('error', error)

    expect(errors).to.deep.equal([error])
    await expect(exchange(await open(server.addresses[0]), 'served')).to.eventually.equal('served')
  })

  it('an error of the listening socket that nobody listens for does no harm', async () => {
    const listening = nodeServer()
    const { server } = await serve();
    (await listening).emit('error', new Error('accept ENFILE'))

    await expect(exchange(await open(server.addresses[0]), 'served')).to.eventually.equal('served')
  })

  it('no handshake failure is counted for a WebSocket, however it ends', async () => {
    const { server, port, accepted, failures } = await serve({ closeTimeout: 100 })
    const [closed, aborted] = [await open(server.addresses[0]), await open(server.addresses[0])]
    const reset = await rawClient(port, upgradeRequest())
    await accepted(3)
    await closed.close()
    aborted.abort()
    reset.socket.resetAndDestroy()

    await server.close()
    expect(failures).to.be.empty()
  })

  it('onChannel that throws aborts that channel only', async () => {
    const bug = new Error('a bug')
    const closes: unknown[] = []
    const server = await listen('/ip4/127.0.0.1/tcp/0/ws', {}, (channel, request) => {
      if (request.url === '/bug') {
        void channel.closed.then(({ error }) => closes.push(error))
        throw bug
      }

      channel.onmessage = data => { channel.send(data) }
    })
    cleanUp(async () => server.close())

    const good = await open(server.addresses[0])
    const bad = await rawClient(portOf(server.addresses[0]), upgradeRequest({}, 'GET /bug HTTP/1.1'))
    expect(await bad.closed).to.match(/^HTTP\/1\.1 101 [^]*\r\n\r\n$/).and.not.contain('500')
    await expect(exchange(good, 'opened before')).to.eventually.equal('opened before')
    await expect(exchange(await open(server.addresses[0]), 'opened after')).to.eventually.equal('opened after')
    expect(closes).to.deep.equal([bug])
    expect(server.channels).to.equal(2)
  })
})
