import { expect } from 'aegir/chai'
import { trustOf } from '../../src/server/trust.ts'
import type { TrustProxy } from '../../src/server/trust.ts'

describe('trustProxy', () => {
  const cases: Array<[trustProxy: TrustProxy | undefined, trusted: string[], others: string[]]> = [
    [undefined, [], ['127.0.0.1', '::1', 'unix', '']],
    [[], [], ['127.0.0.1']],
    ['127.0.0.1', ['127.0.0.1'], ['127.0.0.2', '::1', 'unix', '']],
    ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255'], ['9.255.255.255', '11.0.0.0', '::1']],
    [['10.1.0.0/16', '2001:db8::/32', '::1'], ['10.1.2.3', '2001:db8::5', '2001:db8:ffff::', '::1'], ['10.2.0.0', '2001:db9::', '::2', '127.0.0.1']],
    ['0.0.0.0/0', ['0.0.0.0', '255.255.255.255'], ['::1', 'unix']],
    ['unix', ['unix'], ['127.0.0.1', '']],
    [0, [], ['127.0.0.1']],
    [1, ['127.0.0.1', 'unix'], []],
    [(address) => address.endsWith('.7'), ['192.0.2.7'], ['192.0.2.8']]
  ]

  for (const [trustProxy, trusted, others] of cases) {
    it(`${JSON.stringify(trustProxy) ?? String(trustProxy)} is ${trusted.join(', ')} and not ${others.join(', ')}`, () => {
      const trust = trustOf(trustProxy)

      expect(trusted.filter(address => !trust(address, 0))).to.be.empty()
      expect(others.filter(address => trust(address, 0))).to.be.empty()
    })
  }

  it('as a number is that many proxies in a row', () => {
    expect([0, 1, 2, 3].map(hop => trustOf(2)('192.0.2.1', hop))).to.deep.equal([true, true, false, false])
  })

  for (const trustProxy of ['', 'localhost', '10.0.0.0/33', '::1/129', '10.0.0.0/', '10.0.0.0/-1', '127.1', 'fe80::1%eth0', '*', -1, 1.5, NaN, Infinity, 33]) {
    it(`${typeof trustProxy} ${trustProxy} is refused`, () => {
      expect(() => trustOf(trustProxy)).to.throw().with.property('name', 'InvalidParametersError')
    })
  }
})
