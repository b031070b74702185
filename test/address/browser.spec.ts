import { expect } from 'aegir/chai'
import { impossibleInBrowser, refusedByBrowser } from '../../src/address/browser.ts'
import { parseAddress } from '../../src/address/index.ts'

describe('addresses in browsers', () => {
  const cases: Array<[address: string, origin: string, refused: boolean]> = [
    ['/ip4/192.0.2.1/tcp/80/ws', 'https://example.com', true],
    ['/dns/localhost.example.com/tcp/80/ws', 'https://example.com', true],
    ['/ip4/192.0.2.1/tcp/80/ws', 'http://example.com', false],
    ['/ip4/192.0.2.1/tcp/80/ws', 'http://localhost:8080', false],
    ['/ip4/192.0.2.1/tcp/80/ws', 'null', false],
    ['/ip4/192.0.2.1/tcp/443/tls/ws', 'https://example.com', false],
    ['/ip4/127.0.0.1/tcp/80/ws', 'https://example.com', false],
    ['/ip4/127.8.0.1/tcp/80/ws', 'https://example.com', false],
    ['/ip6/::1/tcp/80/ws', 'https://example.com', false],
    ['/dns/localhost/tcp/80/ws', 'https://example.com', false],
    ['/dns/a.localhost/tcp/80/ws', 'https://example.com', false],
    ['/ip4/127.0.0.1/tcp/22/ws', 'http://localhost', true],
    ['/dns/example.com/tcp/10080/tls/ws', 'https://example.com', true]
  ]

  for (const [address, origin, refused] of cases) {
    it(`${address} is ${refused ? 'refused' : 'dialled'} from ${origin}`, () => {
      expect(refusedByBrowser(parseAddress(address), origin) != null).to.equal(refused)
    })
  }

  it('cannot be Unix sockets, nor have a zone', () => {
    expect(impossibleInBrowser(parseAddress('/unix/%2Ftmp%2Fx/ws'))).to.be.a('string')
    expect(impossibleInBrowser(parseAddress('/ip6zone/eth0/ip6/fe80::1/tcp/1/ws'))).to.be.a('string')
    expect(impossibleInBrowser(parseAddress('/ip4/127.0.0.1/tcp/1/ws'))).to.equal(undefined)
  })
})
