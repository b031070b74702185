/**
 * What websocksy does wrong, and a bridge must not, by the rows of the list in its review: each of these tests fails against it.
 * Those of framings, targets and resolvers are with their own tests.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'aegir/chai'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { until } from '../fixtures/until.ts'
import { portOf, rawClient, rawTlsClient, upgradeRequest } from '../server/fixtures.ts'
import { echo, openClient, startBridge, startTarget, urlOf } from './fixtures.ts'
import type { Bridge } from '../../src/bridge/index.ts'

const WS = '/ip4/127.0.0.1/tcp/0/ws'

/** A frame of a client, masked with zeros. */
function frame (first: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0]), payload])
}

describe('bridge, where websocksy fails', () => {
  let bridge: Bridge
  let port: number

  beforeEach(async () => {
    const { url } = await startTarget(echo)
    bridge = await startBridge(WS, { target: url })
    port = portOf(bridge.addresses[0])
  })

  it('takes frames of any size up to the limit, both ways (2)', async () => {
    const { socket, inbox } = await openClient(urlOf(bridge))
    socket.send(Buffer.alloc(1_000_000))
    await inbox.until(({ size }) => size === 1_000_000)
  })

  it('puts fragments together (3)', async () => {
    const { url } = await startTarget(echo)
    const messages = await startBridge(WS, { target: url, framing: 'newline:lf' })
    const { socket, inbox } = await openClient(urlOf(messages))
    socket.send('one', { fin: false })
    socket.send(' message\n', { fin: true })
    await inbox.until(({ size }) => size === 12)
    expect(inbox.messages.map(({ data }) => Buffer.from(data).toString())).to.deep.equal(['one message\n'])
  })

  it('refuses reserved bits with 1002 (3)', async () => {
    const client = await rawClient(port, upgradeRequest())
    await client.receives('\r\n\r\n')
    client.socket.write(frame(0xc2, Buffer.from('x')))
    await client.receives('\x88\x02\x03\xea')
  })

  it('limits the time of a handshake (3, 15)', async () => {
    const { url } = await startTarget(echo)
    const hasty = await startBridge(WS, { target: url, listen: { handshakeTimeout: 50 } })
    const client = await rawClient(portOf(hasty.addresses[0]), 'GET / HTTP/1.1\r\nHost: a\r\n')
    expect(await client.closed).to.not.include('\x89')
  })

  it('limits the size of a handshake (3)', async () => {
    const client = await rawClient(port, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}`)
    expect(await client.closed).to.match(/^HTTP\/1.1 431 /)
  })

  it('ends with a Close frame that has a code (4)', async () => {
    const { url } = await startTarget(socket => { socket.end() })
    const short = await startBridge(WS, { target: url })
    const { closed } = await openClient(urlOf(short))
    expect(await closed).to.deep.equal({ code: 1000, reason: '' })
  })

  it('sends a frame in one piece, and none waits for the confirmation of another (7)', async () => {
    const { url, next } = await startTarget()
    const quick = await startBridge(WS, { target: url })
    const target = next()
    const client = connect(portOf(quick.addresses[0]), '127.0.0.1')
    cleanUp(() => { client.destroy() })
    client.write(upgradeRequest())
    await once(client, 'data')
    const far = await target
    const reads: string[] = []
    client.on('data', data => { reads.push(data.toString('hex')) })

    for (let count = 1; count <= 3; count++) {
      far.write('reply')
      await until(() => reads.length === count)
    }

    expect(reads).to.deep.equal(Array(3).fill('82057265706c79'))
  })

  it('takes header names in any case, and any number of headers before them (8)', async () => {
    const headers = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`X-${i}`, 'x']))
    const client = await rawClient(port, upgradeRequest(headers).replace('Sec-WebSocket-Key', 'sec-websocket-key').replace('Upgrade:', 'uPGRADE:'))
    await client.receives('HTTP/1.1 101 ')
  })

  it('answers every request (8)', async () => {
    const requests: Array<[string, RegExp]> = [
      [upgradeRequest({ 'Sec-WebSocket-Key': undefined }), /^HTTP\/1.1 400 /],
      ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n', /^HTTP\/1.1 426 /],
      ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', /^HTTP\/1.1 426 /],
      ['nonsense\r\n\r\n', /^HTTP\/1.1 400 /]
    ]

    for (const [request, answer] of requests) {
      const client = await rawClient(port, request)
      expect(await client.closed).to.match(answer)
    }
  })

  it('is not blocked for others by a target that does not answer (6)', async () => {
    const { url } = await startTarget(echo)
    const waiting = Promise.withResolvers<never>()
    const both = await startBridge(WS, { resolve: async ({ path }) => path === '/slow' ? waiting.promise : { address: url } })
    const slow = await rawClient(portOf(both.addresses[0]), upgradeRequest({}, 'GET /slow HTTP/1.1'))
    await openClient(urlOf(both))
    slow.socket.destroy()
  })

  it('speaks TLS (17)', async () => {
    const { url } = await startTarget(echo)
    const secure = await startBridge('/ip4/127.0.0.1/tcp/0/tls/ws', { target: url, listen: { https: await createCertificate() } })
    const client = await rawTlsClient(portOf(secure.addresses[0]), upgradeRequest())
    await client.receives('HTTP/1.1 101 ')

    const renewed = await createCertificate()
    secure.setCertificate(renewed)
    await openClient(urlOf(secure), [], { ca: renewed.cert, rejectUnauthorized: true })
  })

  it('logs sessions, and nothing for each message (17)', async () => {
    const { url } = await startTarget(echo)
    const events: Array<[string, string]> = []
    const quiet = await startBridge(WS, { target: url, log: (level, event) => { events.push([level, event]) } })
    const { socket, inbox, closed } = await openClient(urlOf(quiet))

    for (let i = 0; i < 10; i++) {
      socket.send('message')
    }

    await inbox.until(({ size }) => size === 70)
    socket.close()
    await closed
    await until(() => quiet.sessions === 0)
    await quiet.close()
    expect(events).to.deep.equal([['info', 'listen'], ['debug', 'dial'], ['info', 'open'], ['info', 'close'], ['info', 'drain']])
  })
})
