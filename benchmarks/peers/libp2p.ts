/** A transport of libp2p as a peer, and what its two forms share. */
import { multiaddr } from '@multiformats/multiaddr'
import { createPipe } from './peer.ts'
import type { Peer, Pipe, Setup } from './peer.ts'
import type { ComponentLogger, Libp2pEvents, MessageStream, Transport, TypedEventTarget } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface Libp2pTransport {
  create (components: { logger: ComponentLogger, events: TypedEventTarget<Libp2pEvents> }): Transport
  /** Of its addresses, behind the TCP port. */
  suffix: '' | '/ws' | '/tls/ws'
}

export async function libp2pPeer (setup: Setup, transport: Libp2pTransport): Promise<Peer> {
  return setup.layer === 'raw'
    ? (await import('./libp2p-raw.ts')).rawPeer(transport)
    : (await import('./libp2p-node.ts')).nodePeer(transport, setup)
}

/** Raw connections and multiplexed streams have the same interface. */
export function streamPipe (stream: MessageStream): Pipe {
  const pipe = createPipe({
    send: (data) => stream.send(data),
    pause: () => { stream.pause() }
  })
  stream.addEventListener('message', ({ data }) => { pipe.ondata(data) })
  stream.addEventListener('drain', () => { pipe.ondrain() })

  return pipe
}

export function closeSoon (closable: { close (): Promise<void> }): void {
  closable.close().catch(() => {})
}

export function addressOf (port: number, { suffix }: Libp2pTransport): Multiaddr {
  return multiaddr(`/ip4/127.0.0.1/tcp/${port}${suffix}`)
}

export function portOf (address: Multiaddr): number {
  return Number(address.getComponents().find(({ name }) => name === 'tcp')?.value)
}
