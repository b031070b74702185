import { expect } from 'aegir/chai'
import { proxyHeader } from '../../src/bridge/proxy-header.ts'
import type { Address } from '../../src/address/index.ts'

const at = (host: string, family: 0 | 4 | 6, port: number): Address => ({ host, family, port, path: '/', tls: false })

const IP4 = { remote: at('192.0.2.1', 4, 4660), local: at('198.51.100.2', 4, 443) }
const IP6 = { remote: at('2001:db8::1', 6, 4660), local: at('2001:db8::2', 6, 443) }
const MIXED = { remote: IP4.remote, local: IP6.local }
const UNIX = { remote: at('', 0, 0), local: at('', 0, 0) }

const SIGNATURE = '0d0a0d0a000d0a515549540a'

describe('PROXY protocol header, version 1', () => {
  const cases = {
    'PROXY TCP4 192.0.2.1 198.51.100.2 4660 443\r\n': IP4,
    'PROXY TCP6 2001:db8::1 2001:db8::2 4660 443\r\n': IP6,
    'PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 4660 443\r\n': MIXED,
    'PROXY UNKNOWN\r\n': UNIX
  }

  for (const [expected, ends] of Object.entries(cases)) {
    it(expected.trim(), () => {
      expect(Buffer.from(proxyHeader(1, ends)).toString()).to.equal(expected)
    })
  }
})

describe('PROXY protocol header, version 2', () => {
  const cases = {
    [`${SIGNATURE}2111000cc0000201c6336402123401bb`]: IP4,
    [`${SIGNATURE}2121002420010db800000000000000000000000120010db8000000000000000000000002123401bb`]: IP6,
    [`${SIGNATURE}2121002400000000000000000000ffffc000020120010db8000000000000000000000002123401bb`]: MIXED,
    [`${SIGNATURE}21000000`]: UNIX
  }

  for (const [expected, ends] of Object.entries(cases)) {
    it(expected, () => {
      expect(Buffer.from(proxyHeader(2, ends)).toString('hex')).to.equal(expected)
    })
  }
})
