import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tests from '@libp2p/interface-compliance-tests/transport'
import { dialFilter } from '../../src/address/index.ts'
import { webSockets } from '../../src/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { nodeInit } from '../fixtures/node-init.ts'
import type { WebSocketsInit } from '../../src/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { MultiaddrMatcher } from '@multiformats/multiaddr-matcher'

interface Kind {
  name: string
  /** What tells its addresses from those of the other kinds. */
  pattern: RegExp
  init?(): Promise<WebSocketsInit>
  /** @param folder - exists during one test */
  addresses (folder: string): [string, string]
}

const KINDS: Kind[] = [{
  name: '/ip4/ws',
  pattern: /^\/ip4\/.*\/tcp\/\d+\/ws(\/p2p\/|$)/,
  addresses: () => ['/ip4/127.0.0.1/tcp/0/ws', '/ip4/127.0.0.1/tcp/0/ws']
}, {
  name: '/ip6/ws',
  pattern: /^\/ip6\/.*\/tcp\/\d+\/ws(\/p2p\/|$)/,
  addresses: () => ['/ip6/::1/tcp/0/ws', '/ip6/::1/tcp/0/ws']
}, {
  name: '/tls/ws',
  pattern: /^\/ip4\/.*\/tcp\/\d+\/tls\/ws(\/p2p\/|$)/,
  init: async () => {
    const certificate = await createCertificate()

    return { https: certificate, tls: { ca: certificate.cert } }
  },
  addresses: () => ['/ip4/127.0.0.1/tcp/0/tls/ws', '/ip4/127.0.0.1/tcp/0/tls/ws']
}, {
  name: '/unix/ws',
  pattern: /^\/unix\/.*\/ws(\/p2p\/|$)/,
  addresses: (folder) => [
    `/unix/${encodeURIComponent(join(folder, 'one'))}/ws`,
    `/unix/${encodeURIComponent(join(folder, 'two'))}/ws`
  ]
}, {
  name: '/ws/http-path',
  // the address of a client has no path
  pattern: /^\/ip4\/.*\/tcp\/\d+\/ws(\/http-path\/\w+)?(\/p2p\/|$)/,
  addresses: () => ['/ip4/127.0.0.1/tcp/0/ws/http-path/one', '/ip4/127.0.0.1/tcp/0/ws/http-path/two']
}]

/** The stock matchers know neither `/unix` nor `/http-path`. */
function matcher (pattern: RegExp): MultiaddrMatcher {
  const matches = (ma?: Multiaddr): boolean => ma != null && dialFilter([ma]).length === 1 && pattern.test(ma.toString())

  return { matchers: [], matches, exactMatch: matches }
}

for (const { name, pattern, init, addresses } of KINDS) {
  describe(`transport compliance: ${name}`, () => {
    let folder: string

    tests({
      async setup () {
        folder = await mkdtemp(join(tmpdir(), 'ws-transport-'))
        const transport = webSockets(await init?.())

        return {
          dialer: nodeInit(transport),
          listener: nodeInit(transport, addresses(folder)),
          dialMultiaddrMatcher: matcher(pattern),
          listenMultiaddrMatcher: matcher(pattern)
        }
      },
      async teardown () {
        await rm(folder, { recursive: true })
      }
    })
  })
}
