import { expect } from 'aegir/chai'
import { exchange, open, rawClient, rejection, serve, upgradeRequest } from './fixtures.ts'

describe('subprotocol', () => {
  it('is agreed on where it is offered', async () => {
    const { server, port, accepted } = await serve({ subprotocol: 'b' })
    const channel = await open(server.addresses[0], { subprotocols: ['a', 'b'] })

    expect(channel.subprotocol).to.equal('b')
    expect((await accepted()).subprotocol).to.equal('b')
    const client = await rawClient(port, upgradeRequest({ 'Sec-WebSocket-Protocol': 'a,b' }))
    await client.receives('\r\n\r\n')
    expect(client.received).to.match(/^HTTP\/1\.1 101 [^]*\r\nSec-WebSocket-Protocol: b\r\n/)
  })

  for (const [name, subprotocols] of [['others are', ['a', 'B', 'bb']], ['none is', []]] as const) {
    it(`refuses a client with 400 where ${name} offered`, async () => {
      const { server, failed, failures, channels } = await serve({ subprotocol: 'b' })
      const error = await rejection(open(server.addresses[0], { subprotocols: [...subprotocols] }))

      expect(error).to.have.property('stage', 'upgrade')
      expect(error).to.have.nested.property('cause.status', 400)
      expect(error.message).to.contain('subprotocol')
      await failed()
      await server.close()
      expect(failures.map(({ stage }) => stage)).to.deep.equal(['upgrade'])
      expect(channels).to.be.empty()
    })
  }

  it('is none where none is set, whatever is offered', async () => {
    const { port, accepted } = await serve()
    const client = await rawClient(port, upgradeRequest({ 'Sec-WebSocket-Protocol': 'a, b' }))
    await client.receives('\r\n\r\n')

    expect(client.received).to.match(/^HTTP\/1\.1 101 /)
    expect(client.received).to.not.match(/sec-websocket-protocol/i)
    expect((await accepted()).subprotocol).to.equal('')
  })

  it('is chosen by a function from the offers and the request', async () => {
    const seen: Array<[string[], string | undefined]> = []
    const { server, accepted } = await serve({
      subprotocol: (offers, request) => {
        seen.push([offers, request.url])
        return offers.at(-1) ?? false
      }
    })
    const channel = await open(`${server.addresses[0]}/http-path/x%3Fy`, { subprotocols: ['a', 'b', 'c'] })

    expect(channel.subprotocol).to.equal('c')
    expect((await accepted()).subprotocol).to.equal('c')
    expect(seen).to.deep.equal([[['a', 'b', 'c'], '/x?y']])
  })

  it('is refused with 400 where a function says false', async () => {
    const { server } = await serve({ subprotocol: () => false })
    const error = await rejection(open(server.addresses[0], { subprotocols: ['a'] }))

    expect(error).to.have.nested.property('cause.status', 400)
  })

  it('is refused with 500 where a function throws, and the server serves on', async () => {
    const bug = new Error('a bug')
    const { server, failed } = await serve({
      subprotocol: ([offer]) => {
        if (offer === 'a') {
          throw bug
        }

        return offer
      }
    })
    const error = await rejection(open(server.addresses[0], { subprotocols: ['a'] }))

    expect(error).to.have.nested.property('cause.status', 500)
    expect(error.message).to.not.contain(bug.message)
    await expect(failed()).to.eventually.deep.equal({ stage: 'upgrade', error: bug })
    await expect(exchange(await open(server.addresses[0], { subprotocols: ['b'] }), 'served')).to.eventually.equal('served')
  })

  it('is refused with the answer of a function that ends the socket itself', async () => {
    const { port, failed } = await serve({
      subprotocol: (_, request) => {
        request.socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
        return false
      }
    })
    const client = await rawClient(port, upgradeRequest({ 'Sec-WebSocket-Protocol': 'a' }))

    expect(await client.closed).to.equal('HTTP/1.1 403 Forbidden\r\n\r\n')
    const { stage, error } = await failed()
    expect(stage).to.equal('upgrade')
    expect(error.message).to.contain('400')
  })

  it('is of no use to a client that has gone, whose mode cannot be told either: the server serves on', async () => {
    const bug = new Error('a bug')
    const { server, port, failed } = await serve({
      subprotocol: ([offer]) => {
        gone.socket.resetAndDestroy()
        return offer
      },
      mode: ({ url }) => {
        if (url === '/') {
          return 'messages'
        }

        throw bug
      }
    })
    const gone = await rawClient(port)
    gone.socket.write(upgradeRequest({ 'Sec-WebSocket-Protocol': 'a' }, 'GET /bug HTTP/1.1'))

    expect((await failed()).stage).to.equal('upgrade')
    await expect(exchange(await open(server.addresses[0], { subprotocols: ['a'] }), 'served')).to.eventually.equal('served')
  })

  it('does not mix up clients that shake hands at once', async () => {
    const { server, channels, accepted } = await serve({ subprotocol: ([offer]) => offer })
    const names = Array.from({ length: 20 }, (_, i) => `p${i}`)
    const opened = await Promise.all(names.map(async name => open(server.addresses[0], { subprotocols: [name, 'other'] })))
    await accepted(names.length)

    expect(opened.map(({ subprotocol }) => subprotocol)).to.deep.equal(names)
    expect(channels.map(({ subprotocol }) => subprotocol)).to.have.members(names)
  })
})
