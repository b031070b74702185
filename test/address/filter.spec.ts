import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { dialFilter, formatAddress, listenFilter, parseAddress, parseDialAddress, parseListenAddress } from '../../src/address/index.ts'
import { addresses, hasOneName, multiaddrs, PEER } from './fixtures.ts'

const both = [
  '/ip4/1.2.3.4/tcp/80/ws',
  '/ip4/1.2.3.4/tcp/443/wss',
  '/ip4/1.2.3.4/tcp/443/tls/ws',
  '/ip4/1.2.3.4/tcp/443/tls/sni/example.com/ws',
  '/ip6/::1/tcp/80/ws',
  '/ip6zone/eth0/ip6/fe80::1/tcp/80/ws',
  '/dns/example.com/tcp/80/ws',
  '/dns4/example.com/tcp/443/tls/ws',
  '/dns6/example.com/tcp/80/ws',
  '/unix/%2Ftmp%2Fa.sock/ws',
  '/unix/%2Ftmp%2Fa.sock/tls/ws',
  '/ip4/1.2.3.4/tcp/80/ws/http-path/a',
  `/ip4/1.2.3.4/tcp/80/ws/p2p/${PEER}`
]
const dialOnly = ['/dns4/example.com/ws', '/ip4/1.2.3.4/wss', '/ip6/::1/tls/ws', '/ip4/1.2.3.4/tcp/80/ws/http-path/a%3Fb']
const listenOnly = ['/ip4/0.0.0.0/tcp/0/ws', '/ip6/::/tcp/0/tls/ws', '/ip4/1.2.3.4/tcp/443/tls/sni/*.example.com/ws']
const neither = [
  '/dnsaddr/example.com',
  '/ip4/1.2.3.4/tcp/80',
  '/ip4/1.2.3.4/udp/80/quic-v1',
  '/ip4/1.2.3.4/tcp/80/ws/p2p-circuit',
  `/ip4/1.2.3.4/tcp/80/ws/p2p/${PEER}/p2p-circuit/p2p/${PEER}`,
  '/memory/a'
]
const all = [...both, ...dialOnly, ...listenOnly, ...neither].map(text => multiaddr(text))

describe('dialFilter', () => {
  it('keeps, in order, exactly what can be dialled', () => {
    expect(dialFilter(all).map(String)).to.deep.equal([...both, ...dialOnly])
  })

  it('agrees with parseDialAddress on any multiaddr', () => {
    fc.assert(fc.property(multiaddrs, ma => {
      expect(dialFilter([ma])).to.have.lengthOf(errorName(() => parseDialAddress(ma)) == null ? 1 : 0)
    }), { numRuns: 500 })
  })

  it('keeps the canonical form of every address with one name, and a port or socket', () => {
    fc.assert(fc.property(addresses, address => {
      const dialable = hasOneName(address) && (address.port !== 0 || address.unixPath != null)

      expect(dialFilter([formatAddress(address)])).to.have.lengthOf(dialable ? 1 : 0)
    }))
  })
})

describe('listenFilter', () => {
  it('keeps, in order, exactly what can be listened on', () => {
    expect(listenFilter(all).map(String)).to.deep.equal([...both, ...listenOnly])
  })

  it('agrees with parseListenAddress on any multiaddr', () => {
    fc.assert(fc.property(multiaddrs, ma => {
      expect(listenFilter([ma])).to.have.lengthOf(errorName(() => parseListenAddress(ma)) == null ? 1 : 0)
    }), { numRuns: 500 })
  })

  it('keeps the canonical form of every address without a query', () => {
    fc.assert(fc.property(addresses, address => {
      expect(listenFilter([formatAddress(address)])).to.have.lengthOf(address.path.includes('?') ? 0 : 1)
    }))
  })
})

describe('parseDialAddress', () => {
  it('gives the address', () => {
    expect(parseDialAddress('/dns4/example.com/ws')).to.deep.equal(parseAddress('/dns4/example.com/ws'))
  })

  for (const input of ['/ip4/1.2.3.4/tcp/0/ws', 'ws://1.2.3.4:0/']) {
    it(`refuses ${input}, naming /tcp`, () => {
      expect(() => parseDialAddress(input)).to.throw(/\/tcp\/0/).with.property('name', 'InvalidMultiaddrError')
    })
  }

  it('refuses a server name that stands for many, naming /sni', () => {
    expect(() => parseDialAddress('/ip4/1.2.3.4/tcp/443/tls/sni/*.example.com/ws'))
      .to.throw(/\/sni\/\*\.example\.com cannot be dialled/).with.property('name', 'InvalidMultiaddrError')
  })
})

describe('parseListenAddress', () => {
  it('gives the address, from a URL too', () => {
    expect(parseListenAddress('/ip4/127.0.0.1/tcp/0/ws')).to.deep.equal(parseAddress('/ip4/127.0.0.1/tcp/0/ws'))
    expect(parseListenAddress('ws://127.0.0.1')).to.deep.equal(parseAddress('/ip4/127.0.0.1/tcp/80/ws'))
  })

  it('gives a server name that stands for many', () => {
    expect(parseListenAddress('/ip4/0.0.0.0/tcp/443/tls/sni/*.example.com/ws')).to.include({ serverName: '*.example.com' })
  })

  it('refuses an address without a port, naming /tcp', () => {
    expect(() => parseListenAddress('/ip4/127.0.0.1/ws')).to.throw(/\/tcp is missing/).with.property('name', 'InvalidMultiaddrError')
  })

  it('refuses a path with a query, naming /http-path', () => {
    expect(() => parseListenAddress('/ip4/127.0.0.1/tcp/0/ws/http-path/a%3Fb')).to.throw(/\/http-path has a query/).with.property('name', 'InvalidMultiaddrError')
  })
})

function errorName (call: () => unknown): string | undefined {
  try {
    call()
    return undefined
  } catch (err: any) {
    expect(err).to.have.property('name', 'InvalidMultiaddrError')
    return err.name
  }
}
