/**
 * A libp2p node for a service manager: it is configured by its environment, keeps its key, tells its metrics on a port of its
 * own, and stops when it is asked to.
 */
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { createLibp2p } from 'libp2p'
import { register } from 'prom-client'
import { webSockets } from 'ws-transport'
import type { PrivateKey } from '@libp2p/interface'

const { LISTEN, ANNOUNCE, METRICS_PORT, STATE_DIRECTORY } = process.env

if (LISTEN == null || STATE_DIRECTORY == null) {
  throw new Error('LISTEN is the multiaddr to listen on, STATE_DIRECTORY the folder of the key')
}

const node = await createLibp2p({
  privateKey: await keyIn(STATE_DIRECTORY),
  addresses: { listen: [LISTEN], announce: ANNOUNCE == null ? [] : [ANNOUNCE] },
  transports: [webSockets({
    trustProxy: '127.0.0.1',
    healthPath: '/healthz',
    limits: { connections: 10_000, connectionsPerAddress: 50, pending: 500, ratePerAddress: 10 }
  })],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionManager: { maxConnections: 10_000 },
  metrics: prometheusMetrics(),
  services: { identify: identify(), ping: ping() }
})

const metrics = createServer((_, response) => {
  register.metrics().then(
    text => response.setHeader('Content-Type', register.contentType).end(text),
    () => response.writeHead(500).end()
  )
})
metrics.listen(Number(METRICS_PORT ?? 0), '127.0.0.1')
await once(metrics, 'listening')

process.once('SIGTERM', () => {
  metrics.close()
  void node.stop()
})

process.stdout.write(`${node.getMultiaddrs().join(' ')}\n`)

/** The peer stays the same one when it is started again. */
async function keyIn (folder: string): Promise<PrivateKey> {
  const file = join(folder, 'key')

  try {
    return privateKeyFromProtobuf(await readFile(file))
  } catch (error: any) {
    if (error.code !== 'ENOENT') {
      throw error
    }
  }

  const key = await generateKeyPair('Ed25519')
  await writeFile(file, privateKeyToProtobuf(key), { mode: 0o600, flag: 'wx' })

  return key
}
