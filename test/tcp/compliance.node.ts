/** Raw TCP on ports that it shares passes the suite of libp2p for transports. */
import tests from '@libp2p/interface-compliance-tests/transport'
import { tcp } from '@libp2p/tcp'
import { TCP } from '@multiformats/multiaddr-matcher'
import { HttpServers, listen } from '../../src/server/index.ts'
import { sharedTcp } from '../../src/tcp/index.ts'
import { nodeInit } from '../fixtures/node-init.ts'
import { freePort } from '../server/fixtures.ts'
import type { Server } from '../../src/server/index.ts'

describe('transport compliance: a TCP port that is shared', () => {
  let shared: Server[]

  tests({
    async setup () {
      const servers = new HttpServers()
      const addresses = await Promise.all([0, 0].map(async () => `/ip4/127.0.0.1/tcp/${await freePort()}`))
      shared = await Promise.all(addresses.map(async address => listen(`${address}/ws`, { servers }, () => {})))

      return {
        dialer: nodeInit(tcp()),
        listener: nodeInit(sharedTcp(tcp(), { servers }), addresses),
        dialMultiaddrMatcher: TCP,
        listenMultiaddrMatcher: TCP
      }
    },
    async teardown () {
      await Promise.all(shared.map(async server => server.close()))
    }
  })
})
