import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { formatAddress, parseAddress } from '../../src/address/index.ts'
import { addresses, PEER } from './fixtures.ts'

describe('formatAddress', () => {
  const canonical = [
    '/ip4/1.2.3.4/tcp/8080/ws',
    '/ip4/1.2.3.4/tcp/0/tls/ws',
    '/ip4/1.2.3.4/tcp/443/tls/sni/example.com/ws',
    '/ip4/1.2.3.4/tcp/443/tls/sni/*.example.com/ws',
    '/ip6/::1/tcp/8080/ws',
    '/ip6/::ffff:102:304/tcp/8080/ws',
    '/ip6zone/eth0/ip6/fe80::1/tcp/8080/tls/ws',
    '/dns/example.com/tcp/80/ws',
    '/dns4/example.com/tcp/80/ws',
    '/dns6/example.com/tcp/443/tls/ws',
    '/unix/%2Ftmp%2Fa.sock/ws',
    '/unix/%2Ftmp%2Fa.sock/tls/ws/http-path/b',
    '/ip4/1.2.3.4/tcp/8080/ws/http-path/a%2Fb%3Fc%3Dd',
    `/ip4/1.2.3.4/tcp/8080/ws/p2p/${PEER}`,
    `/ip4/1.2.3.4/tcp/8080/ws/http-path/a/p2p/${PEER}`
  ]

  for (const text of canonical) {
    it(`leaves ${text} as it is`, () => {
      expect(formatAddress(parseAddress(text)).toString()).to.equal(text)
    })
  }

  const rewritten: Record<string, string> = {
    '/ip4/1.2.3.4/tcp/8080/wss': '/ip4/1.2.3.4/tcp/8080/tls/ws',
    '/dns4/example.com/ws': '/dns4/example.com/tcp/80/ws',
    '/dns6/example.com/wss': '/dns6/example.com/tcp/443/tls/ws',
    '/dns4/1.2.3.4/tcp/80/ws': '/ip4/1.2.3.4/tcp/80/ws',
    '/dns/Example.com/tcp/443/tls/sni/example.com/ws': '/dns/example.com/tcp/443/tls/ws',
    '/ip4/1.2.3.4/tcp/1/ws/http-path/%2F': '/ip4/1.2.3.4/tcp/1/ws',
    '/ip4/1.2.3.4/tcp/1/ws/http-path/%2Fa': '/ip4/1.2.3.4/tcp/1/ws/http-path/a',
    '/ip4/1.2.3.4/tcp/1/ws/http-path/a b': '/ip4/1.2.3.4/tcp/1/ws/http-path/a%2520b',
    [`/ip4/1.2.3.4/tcp/1/ws/p2p/${PEER}/http-path/a`]: `/ip4/1.2.3.4/tcp/1/ws/http-path/a/p2p/${PEER}`,
    'ws://example.com/a?b': '/dns/example.com/tcp/80/ws/http-path/a%3Fb'
  }

  for (const [input, text] of Object.entries(rewritten)) {
    it(`writes ${input} as ${text}`, () => {
      expect(formatAddress(parseAddress(input)).toString()).to.equal(text)
    })
  }

  it('is the identity on what it made, in text and in bytes', () => {
    fc.assert(fc.property(addresses, address => {
      const ma = formatAddress(address)

      expect(formatAddress(parseAddress(ma.toString())).equals(ma)).to.be.true()
      expect(formatAddress(parseAddress(multiaddr(ma.bytes))).toString()).to.equal(ma.toString())
    }))
  })
})
