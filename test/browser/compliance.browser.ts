import tests from '@libp2p/interface-compliance-tests/transport'
import { multiaddr } from '@multiformats/multiaddr'
import { WebSockets } from '@multiformats/multiaddr-matcher'
import { webSockets } from '../../src/index.ts'
import { nodeInit } from '../fixtures/node-init.ts'
import { engines } from './engines.ts'

const [one, two] = (process.env.NODE_ADDRESSES ?? '').split(' ').filter(address => address !== '')

for (const { name, webSocketStream } of engines) {
  describe(`transport compliance: ${name}`, () => {
    tests({
      async setup () {
        return {
          dialer: nodeInit(webSockets({ webSocketStream })),
          dialAddrs: [multiaddr(one), multiaddr(two)],
          dialMultiaddrMatcher: WebSockets,
          listenMultiaddrMatcher: WebSockets
        }
      },
      async teardown () {}
    })
  })
}
