/** A libp2p transport alone: its upgrader hands connections out as they are. */
import { defaultLogger } from '@libp2p/logger'
import { TypedEventEmitter } from 'main-event'
import { addressOf, closeSoon, portOf, streamPipe } from './libp2p.ts'
import { rawConnection } from './peer.ts'
import type { Libp2pTransport } from './libp2p.ts'
import type { Peer } from './peer.ts'
import type { Connection, MultiaddrConnection, Upgrader } from '@libp2p/interface'

const DIAL_TIMEOUT = 10_000

export function rawPeer (libp2pTransport: Libp2pTransport): Peer {
  const transport = libp2pTransport.create({ logger: defaultLogger(), events: new TypedEventEmitter() })

  return {
    async listen (onpipe) {
      const listener = transport.createListener({
        upgrader: passThrough((connection) => { onpipe(streamPipe(connection)) })
      })
      await listener.listen(addressOf(0, libp2pTransport))

      return portOf(listener.getAddrs()[0])
    },
    async connect (port) {
      const connection = await transport.dial(addressOf(port, libp2pTransport), {
        signal: AbortSignal.timeout(DIAL_TIMEOUT),
        upgrader: passThrough()
      }) as unknown as MultiaddrConnection

      return rawConnection(streamPipe(connection), () => { closeSoon(connection) })
    }
  }
}

function passThrough (oninbound?: (connection: MultiaddrConnection) => void): Upgrader {
  const upgrader: Pick<Upgrader, 'upgradeInbound' | 'upgradeOutbound'> = {
    upgradeInbound: async (connection) => { oninbound?.(connection) },
    upgradeOutbound: async (connection) => connection as unknown as Connection
  }

  return upgrader as Upgrader
}
