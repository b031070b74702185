/** A libp2p node in JavaScript, with our transport or the one it takes the place of. */
import { yamux } from '@chainsafe/libp2p-yamux'
import { webSockets as rivalWebSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'
import { webSockets } from '../../src/index.ts'
import { nodeInit, services } from '../../test/fixtures/node-init.ts'
import { MAX_STREAMS, serve } from './protocols.ts'
import type { Identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import type { Ping } from '@libp2p/ping'

export const TRANSPORTS = ['ws-transport', '@libp2p/websockets'] as const

export type TransportName = typeof TRANSPORTS[number]
export type Node = Libp2p<{ identify: Identify, ping: Ping }>

export interface NodeOptions {
  listen?: string[]
  /** PEM, for secure listeners. */
  certificate?: { key: string, cert: string }
  /** PEM to trust; `@libp2p/websockets` trusts NODE_EXTRA_CA_CERTS only. */
  ca?: string
}

export async function startNode (transport: TransportName, { listen, certificate, ca }: NodeOptions = {}): Promise<Node> {
  const factory = transport === 'ws-transport'
    ? webSockets({ https: certificate, tls: { ca } })
    : rivalWebSockets({ https: certificate })
  const { identify, ping } = services
  const node = await createLibp2p({
    ...nodeInit(factory, listen),
    // by default no more than 1000, and ping and identify have theirs
    streamMuxers: [yamux({ maxInboundStreams: MAX_STREAMS, maxOutboundStreams: MAX_STREAMS })],
    services: { identify, ping }
  })

  await serve(node)

  return node
}
