/**
 * A libp2p node on the server of a Fastify application: `PORT=8080 node examples/server/fastify.ts`.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import fastify from 'fastify'
import { createLibp2p } from 'libp2p'
import { webSockets } from 'ws-transport'

const app = fastify()

app.get('/', async () => 'the site')
await app.listen({ port: Number(process.env.PORT ?? 0), host: '127.0.0.1' })

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0/ws/http-path/libp2p'] },
  transports: [webSockets({ server: app.server })],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify(), ping: ping() }
})

process.stdout.write(`${node.getMultiaddrs()[0]}\n`)

async function stop (): Promise<void> {
  await node.stop()
  await app.close()
}

process.once('SIGTERM', () => { void stop() })
