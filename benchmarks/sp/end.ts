/**
 * One end of a measurement in JavaScript: the sockets of ws-transport, or `ws` as one would write it by hand. Its arguments
 * are `<sp|ws> <sequential|pipelined|stream> <server|client> <url> <size> <seconds>`.
 *
 * A server says `ready`. Whoever counts, the client of round trips and the server of a stream, ends with `<count> <seconds>`.
 */
import { once } from 'node:events'
import { WebSocket, WebSocketServer } from 'ws'
import { pull, push, rep, req } from '../../dist/src/sp/index.js'

const OUTSTANDING = 64

/** Unsent bytes at which a writer on `ws` waits. */
const HIGH_WATER_MARK = 1_048_576

const [peer, mode, side, url, size, seconds] = process.argv.slice(2)
const body = new Uint8Array(Number(size)).fill(0x78)
const outstanding = mode === 'pipelined' ? OUTSTANDING : 1
let count = 0
let started = performance.now()

const running = (): boolean => performance.now() - started < Number(seconds) * 1_000

function report (): void {
  process.stdout.write(`${count} ${(performance.now() - started) / 1_000}\n`)
}

const ENDS: Record<string, () => Promise<void>> = {
  async 'sp stream server' () {
    const socket = pull()
    await ready(socket.listen(url))
    await socket.receive()
    started = performance.now()

    while ((await socket.receive()).length > 0) {
      count++
    }

    report()
    await socket.close()
  },

  async 'sp stream client' () {
    const socket = push()
    await socket.dial(url)

    for (started = performance.now(); running();) {
      await socket.send(body)
    }

    await socket.send('')
    await socket.close()
  },

  async 'sp server' () {
    const socket = rep()
    await ready(socket.listen(url))

    for await (const request of socket) {
      await request.reply(request.body)
    }
  },

  async 'sp client' () {
    const socket = req()
    await socket.dial(url)
    started = performance.now()

    await Promise.all(Array.from({ length: outstanding }, async () => {
      while (running()) {
        await socket.request(body)
        count++
      }
    }))
    report()
    await socket.close()
  },

  async 'ws stream server' () {
    const server = await serve()
    const [socket] = await once(server, 'connection')

    socket.once('message', () => { started = performance.now() })
    socket.on('message', (data: Buffer) => {
      count++

      if (data.length === 0) {
        report()
        process.exit()
      }
    })
  },

  async 'ws stream client' () {
    const socket = await open()
    const send = (): void => {
      while (running()) {
        if (socket.bufferedAmount < HIGH_WATER_MARK) {
          socket.send(body)
        } else {
          socket.send(body, send)
          return
        }
      }

      socket.send('')
    }

    started = performance.now()
    send()
  },

  async 'ws server' () {
    const server = await serve()

    server.on('connection', socket => {
      socket.on('message', data => { socket.send(data as Buffer) })
    })
  },

  async 'ws client' () {
    const socket = await open()
    let left = outstanding

    socket.on('message', () => {
      count++

      if (running()) {
        socket.send(body)
      } else if (--left === 0) {
        report()
        socket.close()
      }
    })
    started = performance.now()

    for (let i = 0; i < outstanding; i++) {
      socket.send(body)
    }
  }
}

async function ready (listening: Promise<unknown>): Promise<void> {
  await listening
  process.stdout.write('ready\n')
}

async function serve (): Promise<WebSocketServer> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: Number(new URL(url).port), perMessageDeflate: false })
  await ready(once(server, 'listening'))

  return server
}

async function open (): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  await once(socket, 'open')

  return socket
}

await (ENDS[`${peer} ${mode} ${side}`] ?? ENDS[`${peer} ${side}`])()
