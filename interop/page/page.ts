/** What a page does: dials an address, pings and echoes. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { echo } from '@libp2p/echo'
import { ping } from '@libp2p/ping'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { webSockets } from 'ws-transport'

const LENGTH = 1_048_576

export async function visit (address: string): Promise<{ peer: string, pinged: boolean, echoed: boolean }> {
  const node = await createLibp2p({
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { echo: echo(), ping: ping() }
  })
  const { remotePeer } = await node.dial(multiaddr(address))
  const data = Uint8Array.from({ length: LENGTH }, (_, i) => i * 31 + (i >> 8) * 17)
  const echoed = (await node.services.echo.echo(remotePeer, data)).subarray()

  return {
    peer: `${remotePeer}`,
    pinged: await node.services.ping.ping(remotePeer) >= 0,
    echoed: echoed.length === LENGTH && echoed.every((byte, i) => byte === data[i])
  }
}
