/**
 * One process of a measurement: a bridge, the TCP echo behind it, or the client before it. Its arguments are
 * `ws-transport|ws <port of the target>`, `echo`, or `client <url> transfer|ping|sessions <count> [<size of messages>]`, or `ws-echo`.
 *
 * Servers print their port, clients what they measured.
 */
/* eslint-disable no-console */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { WebSocketServer } from 'ws'
import { bridge } from '../../dist/src/bridge/index.js'
import { dial } from '../../dist/src/channel/index.js'
import { listen } from '../../dist/src/server/index.js'
import { median } from '../stats.ts'
import type { Channel } from '../../src/channel/index.ts'
import type { AddressInfo } from 'node:net'


/** Unsent bytes at which a writer on `ws` waits. */
const HIGH_WATER_MARK = 1_048_576

const [role, where, mode, count, size = '65536'] = process.argv.slice(2)

const ROLES: Record<string, () => Promise<void>> = {
  async 'ws-transport' () {
    const { addresses } = await bridge('/ip4/127.0.0.1/tcp/0/ws', { target: `tcp://127.0.0.1:${where}` })
    console.log(addresses[0].getComponents().find(({ name }) => name === 'tcp')?.value)
  },

  /** As one would write it. */
  async ws () {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
    server.on('connection', webSocket => {
      const socket = connect({ host: '127.0.0.1', port: Number(where), noDelay: true })
      webSocket.on('message', (data: Buffer) => {
        if (!socket.write(data)) {
          webSocket.pause()
        }
      })
      socket.on('drain', () => { webSocket.resume() })
      socket.on('data', data => {
        if (webSocket.bufferedAmount > HIGH_WATER_MARK) {
          socket.pause()
          webSocket.send(data, () => { socket.resume() })
        } else {
          webSocket.send(data)
        }
      })
      socket.on('close', () => { webSocket.close() })
      webSocket.on('close', () => { socket.end() })
      socket.on('error', () => { webSocket.terminate() })
      webSocket.on('error', () => { socket.destroy() })
    })
    await once(server, 'listening')
    console.log((server.address() as AddressInfo).port)
  },

  async echo () {
    const server = createServer({ noDelay: true }, socket => {
      socket.pipe(socket)
      socket.on('error', () => { socket.destroy() })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    console.log((server.address() as AddressInfo).port)
  },

  /** What a client would talk to without a bridge. */
  async 'ws-echo' () {
    const { addresses } = await listen('/ip4/127.0.0.1/tcp/0/ws', {}, channel => {
      channel.onmessage = data => { channel.send(data) }
    })
    console.log(addresses[0].getComponents().find(({ name }) => name === 'tcp')?.value)
  },

  async client () {
    await CLIENTS[mode](Number(count))
  }
}

const CLIENTS: Record<string, (count: number) => Promise<void>> = {
  /** MB/s there and back. */
  async transfer (mebibytes) {
    const total = mebibytes * 1_048_576
    const message = new Uint8Array(Number(size)).fill(0x78)
    const channel = await dial(where)
    const started = performance.now()
    let received = 0
    let sent = 0
    const send = (): void => {
      while (sent < total) {
        sent += message.length

        if (!channel.send(message)) {
          return
        }
      }
    }
    const done = new Promise<void>(resolve => {
      channel.onmessage = data => {
        received += data.length

        if (received === total) {
          resolve()
        }
      }
    })

    channel.ondrain = send
    send()
    await done
    console.log(total / 1e6 / ((performance.now() - started) / 1_000))
    process.exit()
  },

  /** Median round trip of 64 bytes, ms. */
  async ping (times) {
    const channel = await dial(where)
    const samples: number[] = []

    for (let i = 0; i < times; i++) {
      const started = performance.now()
      await roundTrip(channel)
      samples.push(performance.now() - started)
    }

    console.log(median(samples.slice(samples.length / 10)))
    process.exit()
  },

  /** Opens that many, each with one round trip, says so, and keeps them. */
  async sessions (many) {
    const channels: Channel[] = []

    while (channels.length < many) {
      const channel = await dial(where)
      await roundTrip(channel)
      channels.push(channel)
    }

    console.log(channels.length)
  }
}

const PING = new Uint8Array(64).fill(0x78)

async function roundTrip (channel: Channel): Promise<void> {
  return new Promise(resolve => {
    channel.onmessage = () => { resolve() }
    channel.send(PING)
  })
}

await ROLES[role]()
