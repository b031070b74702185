/** The Node side: one process, our listener, for every peer. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { createLibp2p } from 'libp2p'
import { webSockets } from '../../dist/src/index.js'
import { HttpServers, listen } from '../../dist/src/server/index.js'
import type { Channel } from '../../dist/src/channel/index.js'
import type { Libp2p } from '@libp2p/interface'
import type { IncomingMessage, ServerResponse } from 'node:http'

const CHUNK = new Uint8Array(65_536)

export interface BenchNode {
  /** Of raw WebSockets: the page is served there, too. */
  raw: string
  /** Of the libp2p node. */
  node: string
  /** Bytes that came in, and when that was, ms. */
  received (): [number, number]
  stop (): Promise<void>
}

export async function startBenchNode (onrequest: (request: IncomingMessage, response: ServerResponse) => void): Promise<BenchNode> {
  let received = 0
  const count = (bytes: number): void => { received += bytes }
  const servers = new HttpServers()
  const sink = await listen('/ip4/127.0.0.1/tcp/0/ws', { mode: 'bytes', onrequest, servers }, (channel, { url }) => {
    channel.onmessage = data => { count(data.length) }

    if (url === '/source') {
      sendForever(channel)
    }
  })
  const node = await createNode(count)

  return {
    raw: `${sink.addresses[0]}`,
    node: `${node.getMultiaddrs()[0]}`,
    received: () => [received, performance.now()],
    async stop () {
      await sink.close()
      await node.stop()
    }
  }
}

async function createNode (count: (bytes: number) => void): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws'] },
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: Infinity },
    connectionMonitor: { enabled: false }
  })

  await node.handle('/sink', stream => { stream.addEventListener('message', ({ data }) => { count(data.byteLength) }) })
  await node.handle('/source', stream => {
    const send = (): void => {
      while (stream.writeStatus === 'writable' && !stream.writableNeedsDrain && stream.send(CHUNK)) {
        // until it says false
      }
    }
    stream.addEventListener('drain', send)
    send()
  })

  return node
}

function sendForever (channel: Channel): void {
  const send = (): void => {
    while (channel.status === 'open' && channel.send(CHUNK)) {
      // until it says false
    }
  }
  channel.ondrain = send
  send()
}
