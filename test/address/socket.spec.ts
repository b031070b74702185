import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { formatAddress, fromSocket, parseAddress } from '../../src/address/index.ts'
import { REQUEST_TARGET, texts } from './fixtures.ts'

describe('fromSocket', () => {
  const accepted: Record<string, string> = {
    '127.0.0.1': '/ip4/127.0.0.1/tcp/1234/ws',
    '::1': '/ip6/::1/tcp/1234/ws',
    '::ffff:1.2.3.4': '/ip4/1.2.3.4/tcp/1234/ws',
    '::FFFF:c0a8:1': '/ip4/192.168.0.1/tcp/1234/ws',
    '::ffff:0:1': '/ip4/0.0.0.1/tcp/1234/ws',
    '64:ff9b::1.2.3.4': '/ip6/64:ff9b::102:304/tcp/1234/ws',
    'fe80::1%eth0': '/ip6zone/eth0/ip6/fe80::1/tcp/1234/ws',
    'fe80::1%12': '/ip6zone/12/ip6/fe80::1/tcp/1234/ws'
  }

  for (const [host, text] of Object.entries(accepted)) {
    it(`gives ${text} for ${host}`, () => {
      const address = fromSocket(host, 1234, false, '/')

      expect(formatAddress(address).toString()).to.equal(text)
      expect(address).to.deep.equal(parseAddress(text))
    })
  }

  it('has TLS as /tls/ws and the path as /http-path', () => {
    expect(formatAddress(fromSocket('127.0.0.1', 1, true, '/a?b')).toString()).to.equal('/ip4/127.0.0.1/tcp/1/tls/ws/http-path/a%3Fb')
  })

  for (const host of ['', 'example.com', '127.1', '1.2.3.4%eth0', 'fe80::1%', 'fe80::1%a/b', 'fe80::1%a%b', '[::1]']) {
    it(`refuses ${JSON.stringify(host)}`, () => {
      expect(() => fromSocket(host, 1, false, '/')).to.throw().with.property('name', 'InvalidMultiaddrError')
    })
  }

  it('makes a path of any request target', () => {
    fc.assert(fc.property(texts, text => {
      expect(fromSocket('127.0.0.1', 1, false, text).path).to.match(REQUEST_TARGET)
    }))
  })
})
