/** Any to any: what goes in at one end comes out at the other, and back. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { expect } from 'aegir/chai'
import { listen } from '../../src/server/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { portOf, rejection, socketPath } from '../server/fixtures.ts'
import { Inbox } from '../suites/peer.ts'
import { echo, openClient, openSocket, refusal, startBridge, startTarget, urlOf } from './fixtures.ts'
import type { Bridge, BridgeOptions } from '../../src/bridge/index.ts'

interface End {
  send (data: Uint8Array): void
  inbox: Inbox
}

interface Kind {
  listen (): Promise<{ address: string, options?: Partial<BridgeOptions> }>
  open (bridge: Bridge): Promise<End>
  /** The URL of an echo. */
  echo? (): Promise<string>
}

async function udpPort (onmessage: (data: Buffer, reply: (data: Buffer) => void) => void): Promise<number> {
  const socket = createSocket('udp4', (data, { port, address }) => { onmessage(data, reply => { socket.send(reply, port, address) }) })
  socket.bind(0, '127.0.0.1')
  cleanUp(() => { socket.close() })
  await once(socket, 'listening')

  return socket.address().port
}

const KINDS: Record<string, Kind> = {
  ws: {
    listen: async () => ({ address: '/ip4/127.0.0.1/tcp/0/ws' }),
    async open (bridge) {
      const { socket, inbox } = await openClient(urlOf(bridge))

      return { inbox, send: data => { socket.send(data) } }
    },
    async echo () {
      const server = await listen('/ip4/127.0.0.1/tcp/0/ws', {}, channel => {
        channel.onmessage = (data, text) => { channel.send(data, { text }) }
      })
      cleanUp(async () => server.close())

      return `ws://127.0.0.1:${portOf(server.addresses[0])}`
    }
  },
  wss: {
    listen: async () => ({ address: '/ip4/127.0.0.1/tcp/0/tls/ws', options: { listen: { https: await createCertificate() } } }),
    open: async bridge => KINDS.ws.open(bridge)
  },
  TCP: {
    listen: async () => ({ address: 'tcp://127.0.0.1:0' }),
    async open ({ addresses }) {
      const { socket, inbox } = await openSocket(portOf(addresses[0]))

      return { inbox, send: data => { socket.write(data) } }
    },
    echo: async () => (await startTarget(echo)).url
  },
  Unix: {
    listen: async () => ({ address: `unix://${await socketPath()}` }),
    async open ({ addresses }) {
      const { socket, inbox } = await openSocket(decodeURIComponent(addresses[0].toString().replace(/^\/unix\//, '')))

      return { inbox, send: data => { socket.write(data) } }
    },
    echo: async () => (await startTarget(echo, await socketPath())).url
  },
  UDP: {
    listen: async () => ({ address: 'udp://127.0.0.1:0' }),
    async open ({ addresses }) {
      const inbox = new Inbox()
      const socket = createSocket('udp4', data => { inbox.add(data, false) })
      const port = Number(addresses[0].getComponents().find(({ name }) => name === 'udp')?.value)
      cleanUp(() => { socket.close() })

      return { inbox, send: data => { socket.send(data, port, '127.0.0.1') } }
    },
    echo: async () => `udp://127.0.0.1:${await udpPort((data, reply) => { reply(data) })}`
  }
}

describe('bridge', () => {
  for (const [from, client] of Object.entries(KINDS)) {
    for (const [to, target] of Object.entries(KINDS).filter(([, { echo }]) => echo != null)) {
      it(`connects ${from} to ${to}`, async () => {
        const { address, options } = await client.listen()
        const bridge = await startBridge(address, { ...options, target: await target.echo?.() })
        const { send, inbox } = await client.open(bridge)
        send(Buffer.from('there'))
        await inbox.until(({ size }) => size === 5)
        send(Buffer.from(' and back'))
        expect((await inbox.until(({ size }) => size === 14)).text).to.equal('there and back')
        expect(bridge.sessions).to.equal(1)
      })
    }
  }

  it('keeps messages, their types and the empty ones between two WebSockets', async () => {
    const bridge = await startBridge('/ip4/127.0.0.1/tcp/0/ws', { target: await KINDS.ws.echo?.() })
    const { socket, inbox } = await openClient(urlOf(bridge))
    socket.send('text')
    socket.send(Buffer.from([0xff]))
    socket.send('')
    await inbox.until(({ messages }) => messages.length === 3)
    expect(inbox.messages.map(({ data, text }) => ({ data: Buffer.from(data).toString('hex'), text }))).to.deep.equal([
      { data: '74657874', text: true }, { data: 'ff', text: false }, { data: '', text: true }
    ])
  })

  it('keeps datagrams, with those that are empty, between WebSocket and UDP', async () => {
    const bridge = await startBridge('/ip4/127.0.0.1/tcp/0/ws', { target: await KINDS.UDP.echo?.() })
    const { socket, inbox } = await openClient(urlOf(bridge))
    ;['ab', '', 'c'].forEach(text => { socket.send(Buffer.from(text)) })
    await inbox.until(({ messages }) => messages.length === 3)
    expect(inbox.messages.map(({ data }) => Buffer.from(data).toString())).to.deep.equal(['ab', '', 'c'])
  })

  it('gives each WebSocket a UDP socket of its own', async () => {
    const ports = new Set<string>()
    const port = await udpPort((data, reply) => { reply(data) })
    const spy = await startBridge('udp://127.0.0.1:0', {
      resolve: ({ remote }) => {
        ports.add(`${remote.port}`)
        return { address: `udp://127.0.0.1:${port}` }
      }
    })
    const bridge = await startBridge('/ip4/127.0.0.1/tcp/0/ws', { target: spy.addresses[0] })
    const clients = await Promise.all(['a', 'b'].map(async name => {
      const client = await openClient(urlOf(bridge))
      client.socket.send(Buffer.from(name))

      return client
    }))
    await Promise.all(clients.map(async ({ inbox }) => inbox.until(({ size }) => size === 1)))
    expect(clients.map(({ inbox }) => inbox.text)).to.deep.equal(['a', 'b'])
    expect(ports.size).to.equal(2)
  })

  it('dials a secure target with what it takes: an authority, headers, an origin', async () => {
    const certificate = await createCertificate()
    const headers: Array<Record<string, unknown>> = []
    const server = await listen('/ip4/127.0.0.1/tcp/0/tls/ws', { https: certificate }, (channel, request) => {
      headers.push(request.headers)
      channel.onmessage = (data, text) => { channel.send(data, { text }) }
    })
    cleanUp(async () => server.close())
    const target = `wss://localhost:${portOf(server.addresses[0])}`
    const distrustful = await startBridge('/ip4/127.0.0.1/tcp/0/ws', { target })
    expect(await refusal(urlOf(distrustful))).to.include({ status: 502 })

    const bridge = await startBridge('tcp://127.0.0.1:0', { target, dial: { tls: { ca: certificate.cert }, headers: { 'X-From': 'bridge' } } })
    const { socket, inbox } = await openSocket(portOf(bridge.addresses[0]))
    socket.write('safe')
    await inbox.until(({ text }) => text === 'safe')
    expect(headers[0]).to.have.property('x-from', 'bridge')
  })

  it('ends a session over UDP that says nothing, and one that says too much', async () => {
    const target = await KINDS.UDP.echo?.()
    const impatient = await startBridge('/ip4/127.0.0.1/tcp/0/ws', { target, idleTimeout: 50 })
    const silent = await openClient(urlOf(impatient))
    expect(await silent.closed).to.include({ code: 1000 })
    const patient = await startBridge('/ip4/127.0.0.1/tcp/0/ws', { target })
    const verbose = await openClient(urlOf(patient))
    verbose.socket.send(Buffer.alloc(65_508))
    expect(await verbose.closed).to.include({ code: 1009 })
  })

  it('makes messages by its framing, each with its own type', async () => {
    const { url } = await startTarget(socket => { socket.end(Buffer.from('one\ntwo \xff\nthree', 'latin1')) })
    const bridge = await startBridge('/ip4/127.0.0.1/tcp/0/ws', { target: url, framing: 'newline:lf' })
    const { inbox, closed } = await openClient(urlOf(bridge))
    expect(await closed).to.include({ code: 1000 })
    expect(inbox.messages.map(({ data, text }) => [Buffer.from(data).toString('latin1'), text])).to.deep.equal([
      ['one\n', true], ['two \xff\n', false], ['three', true]
    ])
  })

  it('frames what a TCP client sends to a WebSocket', async () => {
    const inbox = new Inbox()
    const server = await listen('/ip4/127.0.0.1/tcp/0/ws', {}, channel => { channel.onmessage = inbox.add })
    cleanUp(async () => server.close())
    const bridge = await startBridge('tcp://127.0.0.1:0', { target: server.addresses[0], framing: 'newline:lf' })
    const { socket } = await openSocket(portOf(bridge.addresses[0]))
    socket.end('one\ntw')
    await inbox.until(({ messages }) => messages.length === 2)
    expect(inbox.messages.map(({ data, text }) => [Buffer.from(data).toString(), text])).to.deep.equal([['one\n', true], ['tw', true]])
  })

  it('takes the framing of a user', async () => {
    const { url } = await startTarget(socket => { socket.end('ab') })
    const bridge = await startBridge('/ip4/127.0.0.1/tcp/0/ws', {
      target: url,
      async * framing (source) {
        for await (const data of source) {
          yield { data: Buffer.from(data.toReversed()), text: true }
        }
      }
    })
    const { inbox, closed } = await openClient(urlOf(bridge))
    await closed
    expect(inbox.text).to.equal('ba')
  })

  it('refuses options that make no sense, before it listens', async () => {
    const cases: Array<[BridgeOptions, string]> = [
      [{}, 'InvalidParametersError'],
      [{ target: 'tcp://127.0.0.1:1', resolve: () => undefined }, 'InvalidParametersError'],
      [{ target: 'tcp://127.0.0.1' }, 'InvalidMultiaddrError'],
      [{ target: 'unix-dgram:///run/a.sock' }, 'InvalidMultiaddrError'],
      [{ target: 'tcp://127.0.0.1:1', framing: 'separator' }, 'InvalidParametersError'],
      [{ target: 'tcp://127.0.0.1:1', framing: 'lines' }, 'InvalidParametersError'],
      [{ target: 'tcp://127.0.0.1:1', proxyProtocol: 3 as 2 }, 'InvalidParametersError'],
      [{ target: 'tcp://127.0.0.1:1', maxSessions: 0 }, 'InvalidParametersError']
    ]

    for (const [options, name] of cases) {
      expect(await rejection(startBridge('/ip4/127.0.0.1/tcp/0/ws', options))).to.have.property('name', name)
    }
  })

  it('refuses what is for requests where there are none', async () => {
    const target = 'tcp://127.0.0.1:1'

    for (const options of [{ auth: { bearer: ['x'] } }, { origins: ['https://example.com'] }, { metricsPath: '/metrics' }, { listen: { https: {} } }]) {
      for (const listen of ['tcp://127.0.0.1:0', 'udp://127.0.0.1:0']) {
        expect(await rejection(startBridge(listen, { target, ...options }))).to.have.property('message').that.includes(`the option ${Object.keys(options)[0]} is for`)
      }
    }
  })

  it('says why datagrams of a Unix socket are not supported', async () => {
    const error = await rejection(startBridge('ws://127.0.0.1:0', { target: 'unix-dgram:///run/a.sock' }))
    expect(error.message).to.include('Node has no datagram sockets in the Unix domain')
  })
})
