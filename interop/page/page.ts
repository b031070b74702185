/** In a page: dials the address in the query, pings and echoes, and posts how that went to where the page came from. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { echo } from '@libp2p/echo'
import { ping } from '@libp2p/ping'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { webSockets } from 'ws-transport'

const LENGTH = 1_048_576

async function visit (address: string): Promise<object> {
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

const result = await visit(new URLSearchParams(location.search).get('address') ?? '')
  .catch((err: Error) => ({ error: `${err.name}: ${err.message}` }))

await fetch('/result', { method: 'POST', body: JSON.stringify(result) })
