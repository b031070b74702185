/**
 * What libp2p's interoperability harnesses start, one process for each side of a test: a node that listens and says so in
 * redis, until it is killed; or one that dials the other, pings it once, and prints how long that took. Talk goes to stderr.
 */
import { isLoopback } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { createClient } from '@redis/client'
import { createLibp2p } from 'libp2p'
import { webSockets } from '../../src/index.ts'
import { createCertificate } from '../../test/fixtures/certificate.ts'
import { nodeInit, services } from '../../test/fixtures/node-init.ts'
import { readDialect } from './dialects.ts'
import type { Dialect, Figures, Redis } from './dialects.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** Between two looks at a key, ms. */
const POLL = 50

try {
  await run(readDialect(process.env))
} catch (err: any) {
  process.stderr.write(`${err.name}: ${err.message}\n`)
  process.exit(1)
}

async function run (dialect: Dialect): Promise<void> {
  const redis = await createClient({ socket: dialect.redis }).connect()

  setTimeout(() => { throw new Error(`not done in ${dialect.timeout} s`) }, dialect.timeout * 1_000).unref()

  if (dialect.isDialer) {
    process.stdout.write(`${dialect.format(await dial(await find(dialect, redis)))}\n`)
    process.exit(0)
  }

  await dialect.publish(redis, await listen(dialect))
}

/** @returns what to dial: where others reach us too, if there is such a place */
async function listen ({ transport, ip }: Dialect): Promise<string> {
  const suffix = transport === 'wss' ? 'tls/ws' : 'ws'
  const node = await createLibp2p({
    ...nodeInit(webSockets({ https: await createCertificate() }), [`/ip4/${ip}/tcp/0/${suffix}`]),
    services
  })
  const addresses = node.getMultiaddrs()

  return `${addresses.find(address => !isLoopback(address)) ?? addresses[0]}`
}

async function find (dialect: Dialect, redis: Redis): Promise<Multiaddr> {
  for (;;) {
    const address = await dialect.find(redis)

    if (address != null) {
      process.stderr.write(`dialling ${address}\n`)
      return multiaddr(address)
    }

    await new Promise(resolve => setTimeout(resolve, POLL))
  }
}

async function dial (address: Multiaddr): Promise<Figures> {
  // nobody there has a certificate of an authority
  const node = await createLibp2p({ ...nodeInit(webSockets({ tls: { rejectUnauthorized: false } })), services })
  const started = performance.now()
  const { remotePeer } = await node.dial(address)
  const pingRtt = await node.services.ping.ping(remotePeer)

  return { handshakePlusOneRtt: performance.now() - started, pingRtt }
}
