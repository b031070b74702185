import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { fromUrl, parseAddress, toUrl } from '../../src/address/index.ts'
import { addresses, hasOneName, PEER, texts } from './fixtures.ts'

describe('toUrl', () => {
  const cases: Record<string, string> = {
    '/ip4/1.2.3.4/tcp/8080/ws': 'ws://1.2.3.4:8080/',
    '/ip4/1.2.3.4/tcp/0/ws': 'ws://1.2.3.4:0/',
    '/ip6/::1/tcp/8080/wss': 'wss://[::1]:8080/',
    '/dns6/example.com/ws': 'ws://example.com/',
    '/dns4/example.com/tls/ws': 'wss://example.com/',
    '/dns4/example.com/tcp/80/tls/ws': 'wss://example.com:80/',
    [`/dns4/example.com/tcp/80/ws/http-path/a%2520b%3Fc/p2p/${PEER}`]: 'ws://example.com/a%20b?c'
  }

  for (const [text, href] of Object.entries(cases)) {
    it(`writes ${text} as ${href}`, () => {
      expect(toUrl(parseAddress(text)).href).to.equal(href)
    })
  }

  it('has the server name as host, and leaves the IP in the address', () => {
    const address = parseAddress('/ip4/1.2.3.4/tcp/8443/tls/sni/example.com/ws')

    expect(toUrl(address).href).to.equal('wss://example.com:8443/')
    expect(address.host).to.equal('1.2.3.4')
  })

  it('leaves out the zone', () => {
    expect(toUrl(parseAddress('/ip6zone/eth0/ip6/fe80::1/tcp/8080/ws')).href).to.equal('ws://[fe80::1]:8080/')
  })

  it('has localhost as the host of a Unix socket', () => {
    expect(toUrl(parseAddress('/unix/%2Ftmp%2Fa.sock/ws/http-path/b')).href).to.equal('ws://localhost/b')
  })

  it('asks for the path of the address, unchanged', () => {
    fc.assert(fc.property(addresses, address => {
      const { pathname, search, hash } = toUrl(address)

      expect(`${pathname}${search}${hash}`).to.equal(address.path)
    }))
  })
})

describe('fromUrl', () => {
  const refused: Record<string, RegExp> = {
    'http://example.com': /the scheme http: is not a WebSocket/,
    'ws://user:secret@example.com/': /"ws:\/\/example\.com": a user name or password/,
    'ws://example.com/a#b': /the fragment #b/,
    'ws://[fe80::1%25eth0]/': /zone: write \/ip6zone/,
    'ws://a"b/': /a"b is neither an IP address nor a DNS name/,
    'ws://example.com:65536/': /neither a multiaddr.* nor a ws: or wss: URL/,
    '/relative': /neither a multiaddr.* nor a ws: or wss: URL/
  }

  for (const [text, message] of Object.entries(refused)) {
    it(`refuses ${text} and says why`, () => {
      expect(() => fromUrl(text)).to.throw(message).with.property('name', 'InvalidMultiaddrError')
    })
  }

  it('does not repeat a password in its error', () => {
    expect(() => fromUrl('ws://user:secret@example.com/')).to.throw().with.property('message').that.does.not.include('secret')
  })

  it('accepts URL objects and knows the default ports', () => {
    expect(fromUrl(new URL('ws://example.com'))).to.deep.equal({ host: 'example.com', family: 0, port: 80, path: '/', tls: false })
    expect(fromUrl(new URL('wss://[::1]'))).to.deep.equal({ host: '::1', family: 6, port: 443, path: '/', tls: true })
  })

  it('is undone by toUrl', () => {
    fc.assert(fc.property(texts, fc.webUrl({ validSchemes: ['ws', 'wss'], withQueryParameters: true }), (text, base) => {
      const address = fromUrl(new URL(`${base}/${text}`.replaceAll('#', '')))

      expect(fromUrl(toUrl(address))).to.deep.equal(address)
    }))
  })

  it('undoes toUrl but for what a URL cannot say', () => {
    fc.assert(fc.property(addresses.filter(hasOneName).filter(({ unixPath }) => unixPath == null), address => {
      const { port, path, tls, serverName, host } = address
      const back = fromUrl(toUrl(address))

      expect(back).to.deep.equal({ host: serverName ?? host, family: back.family, port, path, tls })
      expect(back.family).to.be.oneOf([0, address.family])
    }))
  })
})
