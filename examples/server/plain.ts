/**
 * A libp2p node on the server of a site, which stays what it was: `PORT=8080 node examples/server/plain.ts`.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { createLibp2p } from 'libp2p'
import { webSockets } from 'ws-transport'

const server = createServer((_, response) => { response.end('the site') })

server.listen(Number(process.env.PORT ?? 0), '127.0.0.1')
await once(server, 'listening')

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws/http-path/libp2p'] },
  transports: [webSockets({ server })],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify(), ping: ping() }
})

process.stdout.write(`${node.getMultiaddrs()[0]}\n`)

async function stop (): Promise<void> {
  await node.stop()
  server.close()
}

process.once('SIGTERM', () => { void stop() })
