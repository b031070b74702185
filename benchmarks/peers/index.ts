/** Every peer, by the name it has in the results. A process loads only the one it runs. */
import type { Peer, Setup } from './peer.ts'

export type PeerName = keyof typeof PEERS

export const PEERS = {
  net: async (setup: Setup): Promise<Peer> => (await import('./net.ts')).net(setup),
  ws: async (setup: Setup): Promise<Peer> => (await import('./ws.ts')).ws(setup),
  '@libp2p/tcp': tcp,
  '@libp2p/websockets': async (setup: Setup): Promise<Peer> => webSockets(setup, await import('@libp2p/websockets')),
  channel: async (setup: Setup): Promise<Peer> => (await import('./channel.ts')).channel(setup),
  'channel with limits': async (setup: Setup): Promise<Peer> => (await import('./channel.ts')).limited(setup),
  'ws-transport': async (setup: Setup): Promise<Peer> => webSockets(setup, await import('../../dist/src/index.js')),
  'ws-transport tuned': async (setup: Setup): Promise<Peer> => webSockets({ ...setup, tuned: true }, await import('../../dist/src/index.js'))
}

/** Flags of Node that the settings for bulk transfer include. */
export const NODE_FLAGS: Partial<Record<PeerName, string[]>> = {
  'ws-transport tuned': ['--max-semi-space-size=1']
}

async function tcp (setup: Setup): Promise<Peer> {
  const [{ tcp }, { libp2pPeer }] = await Promise.all([import('@libp2p/tcp'), import('./libp2p.ts')])

  return libp2pPeer(setup, { create: tcp(), suffix: '' })
}

type WebSocketsModule = typeof import('@libp2p/websockets') | typeof import('../../dist/src/index.js')

async function webSockets (setup: Setup, { webSockets }: WebSocketsModule): Promise<Peer> {
  const { libp2pPeer } = await import('./libp2p.ts')

  return libp2pPeer(setup, {
    create: webSockets({ https: setup.certificate }),
    suffix: setup.certificate == null ? '/ws' : '/tls/ws'
  })
}
