/**
 * @packageDocumentation
 *
 * Raw TCP, `ws`, `wss` and HTTP on one port, in one libp2p node: the first byte of a connection tells them apart.
 *
 * @example
 *
 * ```typescript
 * import { noise } from '@chainsafe/libp2p-noise'
 * import { yamux } from '@chainsafe/libp2p-yamux'
 * import { tcp } from '@libp2p/tcp'
 * import { createLibp2p } from 'libp2p'
 * import { webSockets } from 'ws-transport'
 * import { HttpServers } from 'ws-transport/server'
 * import { sharedTcp } from 'ws-transport/tcp'
 *
 * const servers = new HttpServers()
 * const node = await createLibp2p({
 *   addresses: { listen: ['/ip4/127.0.0.1/tcp/4001', '/ip4/127.0.0.1/tcp/4001/ws'] },
 *   transports: [sharedTcp(tcp(), { servers }), webSockets({ servers })],
 *   connectionEncrypters: [noise()],
 *   streamMuxers: [yamux()]
 * })
 * ```
 */
import { listenFilter as webSocketFilter } from '../address/index.ts'
import { SharedTcpListener } from './listener.ts'
import type { HttpServers } from '../server/index.ts'
import type { ComponentLogger, Transport } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface SharedTcpInit {
  /** Those of `webSockets`. */
  servers: HttpServers
}

/**
 * The transport of `@libp2p/tcp`, with listeners that go on a port together with the WebSocket listeners of `servers`, where
 * one of them has it: they get the connections that begin with multistream-select, all else stays with HTTP and TLS. On other
 * ports, and to dial, it is what it was.
 *
 * A connection goes to neither side before its first byte, within `handshakeTimeout`. Nodes with a pre-shared key (pnet)
 * begin with random bytes, and cannot share. Port 0 is always a port of its own.
 *
 * @param tcp - `tcp()`
 */
export function sharedTcp <Components extends { logger: ComponentLogger }, T extends Transport> (tcp: (components: Components) => T, { servers }: SharedTcpInit): (components: Components) => T {
  return components => {
    const transport = tcp(components)
    const { createListener, listenFilter, dialFilter } = transport

    transport.createListener = options => new SharedTcpListener({
      own: createListener.call(transport, options),
      servers,
      upgrader: options.upgrader,
      logger: components.logger
    })
    // it would take the WebSockets of Unix sockets for its own
    transport.listenFilter = mas => withoutWebSockets(listenFilter.call(transport, mas))
    transport.dialFilter = mas => withoutWebSockets(dialFilter.call(transport, mas))

    return transport
  }
}

function withoutWebSockets (mas: Multiaddr[]): Multiaddr[] {
  const webSockets = webSocketFilter(mas)

  return mas.filter(ma => !webSockets.includes(ma))
}
