/** What runs in the page: writers and readers, for each peer. The process of `run.ts` calls it by the global `bench`. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { webSockets as baseline } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { dial } from '../../dist/src/channel/index.js'
import { webSockets } from '../../dist/src/index.js'
import type { Connection, Stream } from '@libp2p/interface'

/** Bytes sent between two turns of the event loop. */
const BREAK_EVERY = 1_048_576
const HIGH_WATER_MARK = 1_048_576

/** A pipe to `/sink` or from `/source` of the node. */
interface Pipe {
  /** False: wait for `ondrain`. */
  send (data: Uint8Array<ArrayBuffer>): boolean
  ondrain (callback: () => void): void
  onbytes (callback: (bytes: number) => void): void
  pause (): void
  end (): Promise<void>
}

type Open = (address: string, path: string) => Promise<Pipe>

const transports = { baseline, ours: webSockets }

const peers: Record<string, Open> = {
  /** As people use it: `send` until `bufferedAmount` is high, then look again in 1 ms. */
  async WebSocket (address, path) {
    const socket = new WebSocket(`ws://127.0.0.1:${portOf(address)}/${path}`)
    socket.binaryType = 'arraybuffer'
    await new Promise(resolve => { socket.onopen = resolve })

    return {
      send (data) {
        socket.send(data)
        return socket.bufferedAmount < HIGH_WATER_MARK
      },
      ondrain (callback) {
        setInterval(() => {
          if (socket.readyState === WebSocket.OPEN && socket.bufferedAmount < HIGH_WATER_MARK / 4) {
            callback()
          }
        }, 1)
      },
      onbytes (callback) { socket.onmessage = ({ data }) => { callback(data.byteLength) } },
      pause () {},
      async end () { socket.close() }
    }
  },

  channel: async (address, path) => openChannel(address, path, false),
  'channel over WebSocketStream': async (address, path) => openChannel(address, path, true),

  '@libp2p/websockets': async (address, path) => openStream('baseline', address, path),
  'ws-transport': async (address, path) => openStream('ours', address, path)
}

let pipe: Pipe
let received = 0

Object.assign(globalThis, {
  bench: {
    async open (peer: string, address: string, path: string): Promise<void> {
      pipe = await peers[peer](address, path)
    },

    /** Write as fast as it is taken. */
    write (size: number): void {
      const chunk = new Uint8Array(size)
      let held = false

      const send = (): void => {
        held = false

        for (let sent = 0; sent < BREAK_EVERY && !held; sent += size) {
          held = !pipe.send(chunk)
        }

        if (!held) {
          turn.port2.postMessage(0)
        }
      }
      const turn = new MessageChannel()
      turn.port1.onmessage = send
      pipe.ondrain(() => { if (held) { send() } })
      send()
    },

    read (): void {
      received = 0
      pipe.onbytes(bytes => { received += bytes })
    },

    /** Bytes, and when that was, ms. */
    received: (): [number, number] => [received, performance.now()],

    stall (): void {
      pipe.onbytes(() => {})
      pipe.pause()
    },

    async end (): Promise<void> {
      await pipe.end()
    }
  }
})

async function openChannel (address: string, path: string, webSocketStream: boolean): Promise<Pipe> {
  const channel = await dial(`/ip4/127.0.0.1/tcp/${portOf(address)}/ws/http-path/${path}`, { mode: 'bytes', webSocketStream })

  return {
    send: data => channel.send(data),
    ondrain (callback) { channel.ondrain = callback },
    onbytes (callback) { channel.onmessage = data => { callback(data.length) } },
    pause () { channel.pause() },
    async end () { channel.abort() }
  }
}

async function openStream (transport: keyof typeof transports, address: string, path: string): Promise<Pipe> {
  const node = await createLibp2p({
    transports: [transports[transport]()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false }
  })
  const connection: Connection = await node.dial(multiaddr(address))
  const stream: Stream = await connection.newStream(`/${path}`)

  return {
    send: data => stream.send(data),
    ondrain (callback) { stream.addEventListener('drain', callback) },
    onbytes (callback) { stream.addEventListener('message', ({ data }) => { callback(data.byteLength) }) },
    pause () { stream.pause() },
    async end () { await node.stop() }
  }
}

function portOf (address: string): string {
  return address.split('/')[4]
}
