/** A node of ours and a peer of another making, connected. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { createCertificate } from '../test/fixtures/certificate.ts'
import { cleanUp } from '../test/fixtures/clean-up.ts'
import { temporaryFolder } from '../test/fixtures/puppeteer.ts'
import { startNode } from './js/node.ts'
import { echo, echoes, perf } from './js/protocols.ts'
import { Peer } from './peer.ts'
import type { Program } from './build.ts'
import type { Node, NodeOptions } from './js/node.ts'
import type { PeerOptions } from './peer.ts'
import type { Certificate } from '../test/fixtures/certificate.ts'
import type { Connection } from '@libp2p/interface'

/** Who the peer is, and whether we dial it or it dials us. */
export interface Pairing {
  program: Program
  weDial: boolean
}

/** Which way they take. */
export interface Way {
  listen: string
  /** What is dialled, of what is listened on. */
  dial (address: string): string | Promise<string>
}

export interface Meeting {
  node: Node
  peer: Peer
  /** Our end. */
  connection: Connection
  /** The same work, asked for by whoever dialled. */
  dialler: {
    echo (bytes: number): Promise<unknown>
    streams (count: number, bytes: number): Promise<unknown>
    perf (upload: number, download: number): Promise<unknown>
  }
}

/** In the certificate, and resolved by nobody: RFC 6761 section 6.2. */
export const SERVER_NAME = 'peer.test'

export const PLAIN: Way = { listen: '/ip4/127.0.0.1/tcp/0/ws', dial: (address) => address }

/** A certificate that both sides are told to trust, and nothing else does. */
export async function certificate (): Promise<Certificate & { files: Required<Pick<PeerOptions, 'cert' | 'key' | 'ca'>> }> {
  const folder = await temporaryFolder()
  const { key, cert } = await createCertificate()
  const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem'), ca: join(folder, 'cert.pem') }

  await writeFile(files.key, key)
  await writeFile(files.cert, cert)

  return { key, cert, files }
}

export async function ourNode (options?: NodeOptions): Promise<Node> {
  const node = await startNode('ws-transport', options)
  cleanUp(async () => node.stop())

  return node
}

export async function startPeer (program: Program, options?: PeerOptions): Promise<Peer> {
  const peer = await Peer.start(program, options)
  cleanUp(async () => peer.end('kill'))

  return peer
}

/** Connect; each side checks who the other is, and that it speaks Noise and yamux. */
export async function meet (pairing: Pairing, way = PLAIN, options: PeerOptions = {}): Promise<Meeting> {
  const { node, peer, connect } = await prepare(pairing, way, options)
  const connection = await connect()

  expect(`${connection.remotePeer}`).to.equal(peer.id)
  expect(connection).to.include({ encryption: '/noise', multiplexer: '/yamux/1.0.0' })
  // when it answers ours it knows of the connection too
  await node.services.ping.ping(connection.remotePeer)
  expect((await peer.ask('ping')).peer).to.equal(`${node.peerId}`)

  return {
    node,
    peer,
    connection,
    dialler: pairing.weDial
      ? {
          echo: async (bytes) => echo(connection, bytes),
          streams: async (count, bytes) => echoes(connection, count, bytes),
          perf: async (upload, download) => perf(connection, upload, download)
        }
      : {
          echo: async (bytes) => peer.ask('echo', bytes),
          streams: async (count, bytes) => peer.ask('streams', count, bytes),
          perf: async (upload, download) => peer.ask('perf', upload, download)
        }
  }
}

/** Both are there, and one listens; `connect` makes the other dial, and resolves with our end. */
export async function prepare ({ program, weDial }: Pairing, way: Way, options: PeerOptions = {}): Promise<{ node: Node, peer: Peer, connect (): Promise<Connection> }> {
  const { key, cert, files: { ca, ...pair } } = await certificate()
  const node = await ourNode({ listen: weDial ? [] : [way.listen], certificate: { key, cert }, ca: cert })
  const peer = await startPeer(program, weDial ? { listen: [way.listen], ...pair, ...options } : { ca, ...options })

  return {
    node,
    peer,
    connect: async () => {
      if (weDial) {
        return node.dial(multiaddr(await way.dial(peer.addresses[0])))
      }

      const accepted = pEvent<'connection:open', CustomEvent<Connection>>(node, 'connection:open')
      const { peer: dialled } = await peer.ask('dial', await way.dial(`${node.getMultiaddrs()[0]}`))
      expect(dialled).to.equal(`${node.peerId}`)

      return (await accepted).detail
    }
  }
}

export function portOf (address: string): number {
  return Number(/\/tcp\/(\d+)/.exec(address)?.[1])
}

export function onPort (address: string, port: number): string {
  return address.replace(/\/tcp\/\d+/, `/tcp/${port}`)
}
