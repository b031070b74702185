/**
 * The Node side of the tests in browsers: far ends for channels, under control of the page, and libp2p nodes to dial.
 *
 * A far end is asked for by a WebSocket to `/far-end?kind=...`, which then carries what happens to it: a JSON text is a
 * command or an event, binary data is a message that it sends or has received.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { WebSocketServer } from 'ws'
import { listen } from '../../src/server/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { delay } from '../fixtures/delay.ts'
import { nodeInit, services } from '../fixtures/node-init.ts'
import { ourFarEnd, wsFarEnd } from '../suites/far-end.ts'
import { channelPeer, webSocketPeer } from '../suites/peer.ts'
import type { Command, Event } from './remote.ts'
import type { Certificate } from '../fixtures/certificate.ts'
import type { FarEnd } from '../suites/far-end.ts'
import type { Peer } from '../suites/peer.ts'
import type { Libp2p } from '@libp2p/interface'
import type { AddressInfo, Socket } from 'node:net'
import type { WebSocket } from 'ws'

const MIB = 1_048_576

export interface Fixture {
  /** For the environment of the tests. */
  env: Record<string, string>
  stop (): Promise<void>
}

export async function startFixture (): Promise<Fixture> {
  const certificate = await createCertificate()
  const http = createServer((_, response) => {
    // a page for tests that need one
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>test</title>')
  })
  const control = new WebSocketServer({ server: http })
  const node = await startNode()

  control.on('connection', (socket, request) => {
    void serveFarEnd(socket, new URL(request.url ?? '/', 'http://localhost').searchParams.get('kind') ?? '', certificate)
  })
  const sockets: Socket[] = []
  const silent = createTcpServer(socket => { sockets.push(socket) }).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')

  return {
    env: {
      CONTROL: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/far-end`,
      NODE_ADDRESSES: node.getMultiaddrs().join(' '),
      SILENT: `/ip4/127.0.0.1/tcp/${(silent.address() as AddressInfo).port}/ws`
    },
    async stop () {
      control.clients.forEach(socket => { socket.terminate() })
      http.closeAllConnections()
      http.close()
      sockets.forEach(socket => { socket.destroy() })
      silent.close()
      await node.stop()
    }
  }
}

/** Two addresses, as the compliance tests want. */
async function startNode (): Promise<Libp2p> {
  const { createLibp2p } = await import('libp2p')

  return createLibp2p({ ...nodeInit(undefined, ['/ip4/127.0.0.1/tcp/0/ws', '/ip4/127.0.0.1/tcp/0/ws']), services })
}

async function serveFarEnd (control: WebSocket, kind: string, certificate: Certificate): Promise<void> {
  const tell = (event: Event): void => { control.send(JSON.stringify(event)) }
  const { url, accepted, close } = await farEnd(kind, certificate)

  control.on('close', () => { void close() })
  tell({ url })

  const peer = await accepted
  control.on('close', () => { peer.vanish() })
  control.on('message', (data: Buffer, binary) => {
    // the page may have closed in the meantime
    obey(peer, binary ? { verb: 'send', data: new Uint8Array(data) } : JSON.parse(`${data}`), tell).catch(() => {})
  })
  void peer.closed.then(closed => { tell({ closed }) })

  peer.inbox.onmessage = ({ data, text }) => {
    text ? tell({ text: new TextDecoder().decode(data) }) : control.send(data)
  }
  peer.inbox.messages.forEach(peer.inbox.onmessage)
}

async function farEnd (kind: string, certificate: Certificate): Promise<FarEnd<Peer>> {
  const address = (port: number): string => `/ip4/127.0.0.1/tcp/${port}/ws`
  const { accepted, ...end }: FarEnd<any> = await (kind === 'our server' ? ourFarEnd(listen, address(0), certificate) : wsFarEnd(address, certificate))

  return { ...end, accepted: accepted.then(kind === 'our server' ? channelPeer : webSocketPeer) }
}

async function obey (peer: Peer, command: Command, tell: (event: Event) => void): Promise<void> {
  switch (command.verb) {
    case 'send':
      peer.send(command.data)
      break
    case 'close':
      peer.close(command.code, command.reason)
      break
    case 'unsent':
      tell({ unsent: await peer.unsent() })
      break
    case 'flood':
      await flood(peer, command.bytes, gone => { tell({ gone }) })
      break
    default:
      peer[command.verb]()
  }
}

/** Offer so many bytes, 1 MiB at a time whenever no more than that is unsent, and tell how many have gone. */
async function flood (peer: Peer, bytes: number, ongone: (bytes: number) => void): Promise<void> {
  const chunk = new Uint8Array(MIB)
  const ended = peer.closed.then(() => true)

  for (let sent = 0, gone = 0; gone < bytes;) {
    const unsent = await peer.unsent()

    if (sent < bytes && unsent <= MIB) {
      peer.send(chunk)
      sent += MIB
    }

    if (sent - unsent > gone) {
      gone = sent - unsent
      ongone(gone)
    }

    if (await Promise.race([ended, delay(1)]) === true) {
      return
    }
  }
}
