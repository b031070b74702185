/** The events are made here: to take the network from a browser for real is for `contexts.node.ts`. */
import { expect } from 'aegir/chai'
import { delay } from '../fixtures/delay.ts'
import { fakeChannel } from '../fixtures/fake-socket.ts'

describe('a browser that is offline', () => {
  const tell = (event: 'offline' | 'online'): void => { globalThis.dispatchEvent(new Event(event)) }
  after(() => { tell('online') })

  it('aborts its channels after keepAliveTimeout', async () => {
    const { channel, socket } = fakeChannel({ keepAliveTimeout: 1 }, 'example.com')

    tell('offline')

    expect(await channel.closed).to.have.nested.property('error.name', 'TimeoutError')
    expect(socket.ended).to.deep.equal({ by: 'abort', code: 4006 })
  })

  it('keeps those to its own machine, and those whose peers are heard', async () => {
    const kept = ['127.0.0.1', 'example.com'].map(host => fakeChannel({ keepAliveTimeout: 1 }, host))
    const lost = fakeChannel({ keepAliveTimeout: 1 }, 'example.com')

    tell('offline')
    kept[1].socket.sink.onreceived('hello')
    await lost.channel.closed

    for (const { channel } of kept) {
      expect(channel.status).to.equal('open')
      channel.abort()
    }
  })

  it('keeps them all if it is back in time', async () => {
    const { channel } = fakeChannel({ keepAliveTimeout: 1 }, 'example.com')

    tell('offline')
    tell('online')
    await delay(10)

    expect(channel.status).to.equal('open')
    channel.abort()
  })
})
