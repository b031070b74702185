import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { dialFilter, formatAddress, listenFilter, parseAddress } from '../../src/address/index.ts'
import { addresses, multiaddrs, multiaddrTexts, OTHER_PEER, PEER, REQUEST_TARGET, texts } from './fixtures.ts'
import type { Address } from '../../src/address/index.ts'

const ip4: Address = { host: '1.2.3.4', family: 4, port: 8080, path: '/', tls: false }
const unix: Address = { host: '', family: 0, port: 0, path: '/', tls: false, unixPath: '/tmp/a.sock' }

/** The grammar of the design once more, as a regular language over text. */
const WHERE = /(?:(?:\/ip4\/[^/]+|(?:\/ip6zone\/[^/]+)?\/ip6\/[^/]+|\/dns[46]?\/[^/]+)(?:\/tcp\/\d+)?|\/unix\/[^/]+)/.source
const LAYERS = /(?:\/ws|\/wss|\/tls(?:\/sni\/[^/]+)?\/ws)/.source
const SUFFIX = /(?:(?:\/http-path\/[^/]+)?(?:\/p2p\/[^/]+)?|(\/p2p\/[^/]+)\/http-path\/[^/]+(?:\1)?)/.source
const GRAMMAR = new RegExp(`^${WHERE}${LAYERS}${SUFFIX}$`)

describe('parseAddress', () => {
  const accepted: Record<string, Address> = {
    '/ip4/1.2.3.4/tcp/8080/ws': ip4,
    '/ip4/1.2.3.4/tcp/8080/wss': { ...ip4, tls: true },
    '/ip4/1.2.3.4/tcp/8080/tls/ws': { ...ip4, tls: true },
    '/ip4/1.2.3.4/tcp/443/tls/sni/example.com/ws': { ...ip4, port: 443, tls: true, serverName: 'example.com' },
    '/ip4/1.2.3.4/tcp/443/tls/sni/*.Example.com/ws': { ...ip4, port: 443, tls: true, serverName: '*.example.com' },
    '/ip4/1.2.3.4/tcp/0/ws': { ...ip4, port: 0 },
    '/ip4/1.2.3.4/ws': { ...ip4, port: 80 },
    '/ip4/1.2.3.4/wss': { ...ip4, port: 443, tls: true },
    '/ip4/1.2.3.4/tls/ws': { ...ip4, port: 443, tls: true },
    '/ip6/::1/tcp/8080/ws': { ...ip4, host: '::1', family: 6 },
    '/ip6/FE80:0:0:0::1/tcp/8080/ws': { ...ip4, host: 'fe80::1', family: 6 },
    '/ip6zone/eth0/ip6/fe80::1/tcp/8080/ws': { ...ip4, host: 'fe80::1', family: 6, zone: 'eth0' },
    '/dns/example.com/tcp/8080/ws': { ...ip4, host: 'example.com', family: 0 },
    '/dns4/Example.COM/tcp/8080/ws': { ...ip4, host: 'example.com' },
    '/dns6/my_host/tcp/8080/ws': { ...ip4, host: 'my_host', family: 6 },
    '/dns/münchen.example/tcp/8080/ws': { ...ip4, host: 'xn--mnchen-3ya.example', family: 0 },
    '/dns4/127.0.0.1/tcp/8080/ws': { ...ip4, host: '127.0.0.1' },
    '/dns/127.0.0.1/tcp/8080/ws': { ...ip4, host: '127.0.0.1' },
    '/dns4/example.com/tcp/8080/tls/sni/example.com/ws': { ...ip4, host: 'example.com', tls: true },
    '/unix/%2Ftmp%2Fa.sock/ws': unix,
    '/unix/%2Ftmp%2Fa.sock/tls/ws': { ...unix, tls: true },
    '/unix/%2Ftmp%2Fa.sock/tls/sni/example.com/ws': { ...unix, tls: true, serverName: 'example.com' },
    '/unix/%2Ftmp%2Fa.sock/ws/http-path/b': { ...unix, path: '/b' },
    '/ip4/1.2.3.4/tcp/8080/ws/http-path/a%2Fb': { ...ip4, path: '/a/b' },
    '/ip4/1.2.3.4/tcp/8080/tls/ws/http-path/a%3Fx%3D1': { ...ip4, tls: true, path: '/a?x=1' },
    [`/ip4/1.2.3.4/tcp/8080/ws/p2p/${PEER}`]: { ...ip4, peerId: PEER },
    [`/ip4/1.2.3.4/tcp/8080/ws/ipfs/${OTHER_PEER}`]: { ...ip4, peerId: OTHER_PEER },
    [`/ip4/1.2.3.4/tcp/8080/ws/http-path/a/p2p/${PEER}`]: { ...ip4, path: '/a', peerId: PEER },
    [`/ip4/1.2.3.4/tcp/8080/ws/p2p/${PEER}/http-path/a`]: { ...ip4, path: '/a', peerId: PEER },
    [`/ip4/1.2.3.4/tcp/8080/ws/p2p/${PEER}/http-path/a/p2p/${PEER}`]: { ...ip4, path: '/a', peerId: PEER },
    'ws://1.2.3.4:8080': ip4,
    'WSS://1.2.3.4:8080/': { ...ip4, tls: true }
  }

  for (const [input, address] of Object.entries(accepted)) {
    it(`accepts ${input}`, () => {
      expect(parseAddress(input)).to.deep.equal(address)
    })
  }

  it('accepts multiaddr and URL objects', () => {
    expect(parseAddress(multiaddr('/ip4/1.2.3.4/tcp/8080/ws'))).to.deep.equal(ip4)
    expect(parseAddress(new URL('ws://1.2.3.4:8080/'))).to.deep.equal(ip4)
  })

  it('gives a peer id in base58 where it was written as CID', () => {
    const cid = 'bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe'

    expect(parseAddress(`/ip4/1.2.3.4/tcp/8080/ws/p2p/${cid}`)).to.deep.equal({ ...ip4, peerId: OTHER_PEER })
  })

  const refused: Record<string, RegExp> = {
    '/': /expected \/ip4/,
    '/dnsaddr/example.com': /\/dnsaddr .*resolve it first/,
    [`/p2p/${PEER}`]: /\/p2p cannot stand here: expected \/ip4/,
    '/ws': /\/ws cannot stand here/,
    '/ip4/1.2.3.4': /ends too early: expected \/tcp, \/ws/,
    '/ip4/1.2.3.4/tcp/1': /ends too early: expected \/ws/,
    '/ip4/1.2.3.4/udp/1/ws': /\/udp cannot stand here: expected \/tcp/,
    '/ip4/1.2.3.4/udp/1/quic-v1': /\/udp cannot stand here/,
    '/ip4/1.2.3.4/tcp/1/http': /\/http cannot stand here/,
    '/ip4/1.2.3.4/tcp/1/tls': /ends too early: expected \/ws or \/sni/,
    '/ip4/1.2.3.4/tcp/1/tls/sni/a': /ends too early: expected \/ws/,
    '/ip4/1.2.3.4/tcp/1/tls/wss': /\/wss .*\/tls\/ws/,
    '/ip4/1.2.3.4/tcp/1/tls/tls/ws': /\/tls cannot stand here/,
    '/ip4/1.2.3.4/tcp/1/sni/a/ws': /\/sni needs \/tls/,
    '/ip4/1.2.3.4/tcp/1/tls/sni/1.1.1.1/ws': /\/sni: "1\.1\.1\.1" is not a DNS name/,
    '/ip4/1.2.3.4/tcp/1/tls/sni/*.1.1.1.1/ws': /\/sni: "\*\.1\.1\.1\.1" is not a DNS name/,
    '/ip4/1.2.3.4/tcp/1/tls/sni/*/ws': /\/sni: "\*" is not a DNS name/,
    '/ip4/1.2.3.4/tcp/1/tls/sni/*./ws': /\/sni: "\*\." is not a DNS name/,
    '/ip4/1.2.3.4/tcp/1/tls/sni/a.*.b/ws': /\/sni: "a\.\*\.b" is not a DNS name/,
    '/dns4/*.example.com/tcp/1/ws': /\/dns4: "\*\.example\.com" is not a DNS name/,
    '/ip4/1.2.3.4/tcp/1/ws/ws': /\/ws cannot stand here: expected the end/,
    '/ip4/1.2.3.4/tcp/1/ws/tls': /\/tls cannot stand here/,
    '/ip4/1.2.3.4/tcp/1/http-path/a/ws': /\/http-path cannot stand here/,
    '/ip4/1.2.3.4/tcp/1/ws/http-path/a/http-path/b': /\/http-path cannot stand here/,
    '/ip4/1.2.3.4/tcp/NaN/ws': /\/tcp: "NaN" is not a port/,
    '/ip4/1.2.3.4/tcp/65536/ws': /65535/,
    '/ip4/1.2.3.4.5/tcp/1/ws': /Invalid IPv4/,
    '/ip4/1.2.3.4/ip6zone/eth0/tcp/1/ws': /\/ip6zone .*followed by \/ip6/,
    '/ip6zone/eth0/ip4/1.2.3.4/tcp/1/ws': /\/ip4 cannot stand here: expected \/ip6/,
    '/ip6zone/eth0%25/ip6/fe80::1/tcp/1/ws': /\/ip6zone: "eth0%25" is not the name of a zone/,
    '/dns4/a b/tcp/1/ws': /\/dns4: "a b" is not a DNS name/,
    '/dns4/a\r\nX-Injected: 1/tcp/1/ws': /\/dns4: .* is not a DNS name/,
    '/dns4/user@example.com/tcp/1/ws': /\/dns4: .* is not a DNS name/,
    '/dns4/example.com:80/tcp/1/ws': /\/dns4: .* is not a DNS name/,
    '/dns4/a..b/tcp/1/ws': /\/dns4: .* is not a DNS name/,
    '/dns4/127.1/tcp/1/ws': /\/dns4: "127\.1" is not a DNS name/,
    '/dns6/127.0.0.1/tcp/1/ws': /\/dns6: "127\.0\.0\.1" is not a DNS name/,
    '/dns6/::1/tcp/1/ws': /\/dns6: "::1" is not a DNS name/,
    '/unix/a/tcp/1/ws': /\/tcp cannot stand here: expected \/ws/,
    '/unix/a%00b/ws': /\/unix: .*NUL/,
    '/unix/tmp/a.sock/ws': /a\.sock.*%2F/,
    '/unix/%FF/ws': /not a multiaddr/,
    '/ip4/1.2.3.4/tcp/1/ws/p2p/someone': /\/p2p: "someone" is not a peer id/,
    [`/ip4/1.2.3.4/tcp/1/p2p/${PEER}/ws`]: /\/p2p cannot stand here: expected \/ws/,
    [`/ip4/1.2.3.4/tcp/1/ws/p2p/${PEER}/p2p/${PEER}`]: /\/p2p cannot stand here: expected the end/,
    [`/ip4/1.2.3.4/tcp/1/ws/p2p/${PEER}/http-path/a/p2p/${OTHER_PEER}`]: /\/p2p names two peers/,
    [`/ip4/1.2.3.4/tcp/1/ws/p2p/${PEER}/p2p-circuit`]: /\/p2p-circuit .*relay transport/,
    '/no-such-protocol/1': /no-such-protocol/,
    'example.com:80': /example\.com: is not a WebSocket/,
    '': /neither a multiaddr.* nor a ws: or wss: URL/
  }

  for (const [input, message] of Object.entries(refused)) {
    it(`refuses ${JSON.stringify(input)} and says why`, () => {
      const error = refusal(input)

      expect(error).to.have.property('name', 'InvalidMultiaddrError')
      expect(error).to.have.property('message').that.matches(message)
      expect(error).to.have.property('message').that.includes(JSON.stringify(input))
    })
  }

  it('keeps the native error as cause', () => {
    expect(refusal('/ip4/1.2.3.4/tcp/65536/ws')).to.have.nested.property('cause.name', 'ValidationError')
  })

  it('reads the path of binary multiaddrs that other implementations made', () => {
    // go-multiaddr puts `a/b` on the wire where js-multiaddr puts `/a/b`
    const bytes = Uint8Array.from([...multiaddr('/ip4/1.2.3.4/tcp/8080/ws').bytes, 0xe1, 0x03, 0x03, 0x61, 0x2f, 0x62])

    expect(parseAddress(multiaddr(bytes))).to.deep.equal({ ...ip4, path: '/a/b' })
  })

  it('refuses values that have no text form', () => {
    const ma = multiaddr([{ code: 400, name: 'unix', value: '/tmp/\ud800' }, ...multiaddr('/ws').getComponents()])

    expect(refusal(ma)).to.have.property('message', String.raw`"/unix/ws": /unix: "/tmp/\ud800" is not text`)
  })

  it('refuses multihashes that are not peer ids', () => {
    const sha512 = Uint8Array.from([0xa5, 0x03, 0x42, 0x13, 0x40, ...new Uint8Array(64)])

    expect(refusal(multiaddr([...multiaddr('/dns/a/ws').getComponents(), ...multiaddr(sha512).getComponents()])))
      .to.have.property('message').that.matches(/\/p2p: .* is not a peer id/)
  })

  it('accepts a sequence of components exactly when it is in the grammar', () => {
    fc.assert(fc.property(multiaddrTexts, text => {
      expect(accepts(text)).to.equal(GRAMMAR.test(text), text)
    }), { numRuns: 2_000 })
  })

  it('parses any multiaddr, or throws InvalidMultiaddrError', () => {
    fc.assert(fc.property(multiaddrs, ma => {
      expect(refusal(ma)?.name).to.be.oneOf([undefined, 'InvalidMultiaddrError'])
    }), { numRuns: 2_000 })
  })

  it('parses any text, or throws InvalidMultiaddrError', () => {
    const prefix = fc.constantFrom('', '/', 'ws:', 'wss://', 'ws://a/', '/unix/', '/ip4/1.2.3.4/tcp/1/ws/http-path/', '/dns4/')

    fc.assert(fc.property(prefix, texts, (prefix, text) => {
      expect(refusal(`${prefix}${text}`)?.name).to.be.oneOf([undefined, 'InvalidMultiaddrError'])
    }), { numRuns: 2_000 })
  })

  it('gives only paths that can stand in a request line, and names that can stand in a header', () => {
    const inputs = fc.oneof(
      multiaddrs,
      texts.map(text => `ws://a.example/${text}`),
      texts.map(value => multiaddr([...multiaddr('/dns4/a.example/tcp/1/ws').getComponents(), { code: 481, name: 'http-path', value: `/${value}` }])),
      texts.map(value => multiaddr([{ code: 54, name: 'dns4', value: `a${value}` }, ...multiaddr('/tcp/1/ws').getComponents()]))
    )

    fc.assert(fc.property(inputs.filter(accepts), input => {
      const { host, path, serverName = '' } = parseAddress(input)

      expect(path).to.match(REQUEST_TARGET)
      expect(host).to.match(/^[a-z\d.:_-]*$/)
      expect(serverName).to.match(/^(\*\.)?[a-z\d._-]*$/)
    }), { numRuns: 1_000 })
  })

  it('is undone by formatAddress', () => {
    fc.assert(fc.property(addresses, address => {
      expect(parseAddress(formatAddress(address))).to.deep.equal(address)
      expect(parseAddress(formatAddress(address).toString())).to.deep.equal(address)
      expect(parseAddress(multiaddr(formatAddress(address).bytes))).to.deep.equal(address)
    }))
  })

  it('gives the same address for the canonical form of what it accepts', () => {
    fc.assert(fc.property(multiaddrs.filter(accepts), ma => {
      const address = parseAddress(ma)

      expect(parseAddress(formatAddress(address))).to.deep.equal(address)
    }), { numRuns: 500 })
  })

  it('accepts all that the filters let through', () => {
    fc.assert(fc.property(fc.array(multiaddrs, { maxLength: 5 }), mas => {
      const parsed = mas.filter(accepts)

      expect(parsed).to.include.members(dialFilter(mas))
      expect(parsed).to.include.members(listenFilter(mas))
    }))
  })
})

function refusal (input: Parameters<typeof parseAddress>[0]): Error | undefined {
  try {
    parseAddress(input)
    return undefined
  } catch (err: any) {
    return err
  }
}

function accepts (input: Parameters<typeof parseAddress>[0]): boolean {
  return refusal(input) == null
}
