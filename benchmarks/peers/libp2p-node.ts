/**
 * A libp2p node with one transport, encryption and yamux. Everything is at its default, except the limits on how many
 * connections one address may make.
 */
import { yamux } from '@chainsafe/libp2p-yamux'
import { createLibp2p } from 'libp2p'
import { addressOf, closeSoon, portOf, streamPipe } from './libp2p.ts'
import type { Libp2pTransport } from './libp2p.ts'
import type { Peer, Setup } from './peer.ts'
import type { ConnectionEncrypter, Libp2p } from '@libp2p/interface'

const PROTOCOL = '/benchmark/1.0.0'

export function nodePeer (transport: Libp2pTransport, { layer, tuned = false }: Setup): Peer {
  const start = async (listen: string[]): Promise<Libp2p> => createLibp2p({
    addresses: { listen },
    transports: [transport.create],
    connectionEncrypters: [layer === 'noise' ? await encrypter(tuned) : (await import('@libp2p/plaintext')).plaintext()],
    streamMuxers: [yamux(tuned ? { streamOptions: { initialStreamWindowSize: 1_048_576 } } : {})],
    connectionManager: { inboundConnectionThreshold: Infinity, maxConnections: Infinity, maxIncomingPendingConnections: Infinity },
    // its pings would be part of what is measured
    connectionMonitor: { enabled: false }
  })
  let client: Promise<Libp2p> | undefined

  return {
    async listen (onpipe) {
      const node = await start([addressOf(0, transport).toString()])
      await node.handle(PROTOCOL, (stream) => { onpipe(streamPipe(stream)) }, { maxInboundStreams: Infinity })

      return portOf(node.getMultiaddrs()[0])
    },
    async connect (port) {
      client ??= start([])
      // without `force` it would be the connection there is
      const connection = await (await client).dial(addressOf(port, transport), { force: true })

      return {
        open: async () => streamPipe(await connection.newStream(PROTOCOL, { maxOutboundStreams: Infinity })),
        close: () => { closeSoon(connection) }
      }
    }
  }
}

async function encrypter (tuned: boolean): Promise<(components: any) => ConnectionEncrypter> {
  const { noise } = await import('@chainsafe/libp2p-noise')

  return tuned ? noise({ crypto: (await import('../../dist/src/noise/index.js')).noiseCrypto }) : noise()
}
