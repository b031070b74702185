import { expect } from 'aegir/chai'
import { StreamEndpoint } from '../../../src/bridge/tunnel/stream-endpoint.ts'
import { webSockets } from '../../../src/index.ts'
import { delay } from '../../fixtures/delay.ts'
import { createNode } from '../../fixtures/nodes.ts'
import { stall } from '../../fixtures/streams.ts'
import { until } from '../../fixtures/until.ts'
import type { EndpointEnd } from '../../../src/bridge/endpoint.ts'
import type { StreamEndpointOptions } from '../../../src/bridge/tunnel/stream-endpoint.ts'
import type { TestNode } from '../../fixtures/nodes.ts'
import type { Stream } from '@libp2p/interface'

const PROTOCOL = '/test/1.0.0'

interface Pair {
  /** Of the peer, bare. */
  stream: Stream
  endpoint: StreamEndpoint
  /** What came: bytes as numbers, joined, or datagrams. */
  received: number[][]
  ended (): boolean
  over: Promise<EndpointEnd>
  dialler: TestNode
}

/** An endpoint over a stream that a peer opened. */
async function pair (shape: 'bytes' | 'messages', options: StreamEndpointOptions = {}): Promise<Pair> {
  const [listener, dialler] = [await createNode(webSockets(), ['/ip4/127.0.0.1/tcp/0/ws']), await createNode(webSockets())]
  const accepted = Promise.withResolvers<StreamEndpoint>()
  await listener.handle(PROTOCOL, stream => { accepted.resolve(new StreamEndpoint(stream, shape, 'peer', options)) })
  const stream = await dialler.dialProtocol(listener.getMultiaddrs()[0], PROTOCOL)
  const endpoint = await accepted.promise
  const received: number[][] = []
  const over = Promise.withResolvers<EndpointEnd>()
  let ended = false
  endpoint.onmessage = data => { received.push([...data]) }
  endpoint.onend = () => { ended = true }
  endpoint.onclose = over.resolve

  return { stream, endpoint, received, ended: () => ended, over: over.promise, dialler }
}

describe('a libp2p stream as an endpoint', () => {
  it('delivers nothing before resume, and then what came, in front of its end', async () => {
    const { stream, endpoint, received, ended } = await pair('bytes')
    stream.send(Uint8Array.of(1, 2, 3))
    await stream.close()
    await delay(20)
    expect([received, ended()]).to.deep.equal([[], false])

    endpoint.resume()
    expect([received.flat(), ended()]).to.deep.equal([[1, 2, 3], true])
    endpoint.end()
    await endpoint.close()
  })

  it('is over when both sides have ended', async () => {
    const { stream, endpoint, ended, over } = await pair('bytes')
    endpoint.resume()
    await stream.close()
    await until(ended)
    endpoint.send(Uint8Array.of(1))
    endpoint.end()

    expect((await over).error).to.equal(undefined)
  })

  it('is over with an error when the peer resets it', async () => {
    const { stream, endpoint, over, ended } = await pair('bytes')
    endpoint.resume()
    stream.abort(new Error('enough'))

    expect((await over).error).to.have.property('name', 'StreamResetError')
    expect(ended()).to.equal(false)
  })

  it('is over with an error, and not ended, when the connection is lost', async () => {
    const { endpoint, over, ended, dialler } = await pair('bytes')
    endpoint.resume()
    dialler.getConnections().forEach(connection => { connection.abort(new Error('gone')) })

    expect((await over).error).to.be.an('error')
    expect(ended()).to.equal(false)
  })

  it('closes behind what was sent, and drops what still comes', async () => {
    const { stream, endpoint, received } = await pair('bytes')
    const data = new Uint8Array(500_000).fill(7)
    let length = 0
    stream.addEventListener('message', ({ data }) => { length += data.byteLength })
    stream.addEventListener('end', () => { void stream.close() })
    endpoint.send(data)
    stream.send(Uint8Array.of(1))
    await endpoint.close()

    expect([length, received]).to.deep.equal([data.length, []])
  })

  it('closes in bounded time where the peer does not', async () => {
    const { endpoint, over } = await pair('bytes', { closeTimeout: 50 })
    await endpoint.close()

    expect((await over).error).to.have.property('name', 'TimeoutError')
  })

  it('is reset behind what was sent where the other side failed', async () => {
    const { stream, endpoint } = await pair('bytes')
    const closed = new Promise<Error | undefined>(resolve => { stream.addEventListener('close', ({ error }) => { resolve(error) }) })
    endpoint.send(Uint8Array.of(1))
    await endpoint.close(1014)

    expect(await closed).to.have.property('name', 'StreamResetError')
  })

  it('holds the peer while it is paused, and the writer while the peer is', async () => {
    const { stream, endpoint } = await pair('bytes')

    expect(await stall(stream)).to.be.lessThan(4_194_304)
    stream.pause()
    const chunk = new Uint8Array(65_536)
    let sent = chunk.length
    for (let full = false; !full; sent += chunk.length) {
      full = !endpoint.send(chunk)
    }
    expect(sent).to.be.lessThan(4_194_304)
    endpoint.abort(new Error('enough'))
  })

  it('takes nothing after its end, whatever is called', async () => {
    const { endpoint, over } = await pair('bytes')
    endpoint.abort(new Error('enough'))
    const { error } = await over

    expect(error?.message).to.equal('enough')
    expect(endpoint.send(Uint8Array.of(1))).to.equal(true)
    endpoint.end()
    endpoint.pause()
    endpoint.resume()
    await endpoint.close()
  })

  it('delivers datagrams one by one, and holds the rest when it is paused between them', async () => {
    const { stream, endpoint, received, over } = await pair('messages')
    endpoint.onmessage = data => {
      received.push([...data])
      endpoint.pause()
    }
    stream.send(Uint8Array.of(0, 1, 7, 0, 0, 0, 2, 8, 9))
    await stream.close()

    for (const datagrams of [[[7]], [[7], []], [[7], [], [8, 9]]]) {
      endpoint.resume()
      await until(() => received.length >= datagrams.length)
      expect(received).to.deep.equal(datagrams)
    }

    endpoint.resume()
    expect((await over).error).to.equal(undefined)
  })

  it('is over with an error where the stream ends within a datagram', async () => {
    const { stream, endpoint, over } = await pair('messages')
    endpoint.resume()
    stream.send(Uint8Array.of(0, 2, 7))
    await stream.close()

    expect((await over).error).to.have.property('name', 'InvalidMessageError')
  })

  it('is over with an error for a datagram that the header cannot tell', async () => {
    const { endpoint, over } = await pair('messages')
    endpoint.send(new Uint8Array(65_536))

    expect((await over).error).to.include({ name: 'MessageTooLargeError', size: 65_536, limit: 65_535 })
  })
})
