import { expect } from 'aegir/chai'
import { array, assert, constantFrom, property, string } from 'fast-check'
import { forwardedFor } from '../../src/server/forwarded.ts'
import type { ForwardedHeader } from '../../src/server/forwarded.ts'

const HEADERS: ForwardedHeader[] = ['x-forwarded-for', 'forwarded', 'x-real-ip']

describe('forwarding header', () => {
  const cases: Array<[header: ForwardedHeader, value: string | undefined, peers: string[]]> = [
    ['x-forwarded-for', undefined, []],
    ['x-forwarded-for', '', []],
    ['x-forwarded-for', '192.0.2.1', ['192.0.2.1 0']],
    ['x-forwarded-for', '192.0.2.1:4711', ['192.0.2.1 4711']],
    ['x-forwarded-for', '192.0.2.1, 192.0.2.2,192.0.2.3', ['192.0.2.3 0', '192.0.2.2 0', '192.0.2.1 0']],
    ['x-forwarded-for', '2001:db8::5', ['2001:db8::5 0']],
    ['x-forwarded-for', '[2001:db8::5]', ['2001:db8::5 0']],
    ['x-forwarded-for', '[2001:db8::5]:4711', ['2001:db8::5 4711']],
    ['x-forwarded-for', '::ffff:192.0.2.1', ['::ffff:192.0.2.1 0']],
    ['x-forwarded-for', 'unknown', []],
    ['x-forwarded-for', '192.0.2.1, unknown, 192.0.2.2', ['192.0.2.2 0']],
    ['x-forwarded-for', '192.0.2.1,, 192.0.2.2', ['192.0.2.2 0']],
    ['x-forwarded-for', '192.0.2.1,', []],
    ['x-forwarded-for', '192.0.2.256', []],
    ['x-forwarded-for', '192.0.2.1:65536', []],
    ['x-forwarded-for', '127.1', []],
    ['x-forwarded-for', '[192.0.2.1]', []],
    ['x-forwarded-for', 'fe80::1%eth0', []],
    ['x-forwarded-for', 'localhost', []],
    ['x-forwarded-for', '"192.0.2.1"', []],
    ['x-forwarded-for', '192.0.2.1 192.0.2.2', []],
    ['x-real-ip', '192.0.2.1', ['192.0.2.1 0']],
    ['x-real-ip', '2001:db8::5', ['2001:db8::5 0']],
    // sent twice
    ['x-real-ip', '192.0.2.1, 192.0.2.2', []],
    ['forwarded', 'for=192.0.2.1', ['192.0.2.1 0']],
    ['forwarded', 'For="192.0.2.1:4711";proto=https;by=203.0.113.4', ['192.0.2.1 4711']],
    ['forwarded', 'for="[2001:db8::5]:4711"', ['2001:db8::5 4711']],
    ['forwarded', 'for=192.0.2.1, for="[2001:db8::5]", for=192.0.2.3', ['192.0.2.3 0', '2001:db8::5 0', '192.0.2.1 0']],
    ['forwarded', 'for="192.0.2.1:_obscured"', ['192.0.2.1 0']],
    ['forwarded', 'for=_hidden, for=192.0.2.1', ['192.0.2.1 0']],
    ['forwarded', 'for=192.0.2.1, for=unknown', []],
    ['forwarded', 'for=192.0.2.1, proto=https', []]
  ]

  for (const [header, value, peers] of cases) {
    it(`${header}: ${value ?? '(none)'} names ${peers.length === 0 ? 'nobody' : peers.join(', then ')}`, () => {
      expect(forwardedFor(header, value).map(({ host, port }) => `${host} ${port}`)).to.deep.equal(peers)
    })
  }

  for (const value of ['for=', 'for="192.0.2.1', 'for=2001:db8::5', '192.0.2.1', 'for="192.0.2.1", for="x', 'for=192.0.2.1;;']) {
    it(`forwarded: ${value} is malformed`, () => {
      expect(() => forwardedFor('forwarded', value)).to.throw().with.property('name', 'InvalidMessageError')
    })
  }

  it('names at most as many as there may be proxies', () => {
    expect(forwardedFor('x-forwarded-for', '192.0.2.1, '.repeat(2_000))).to.be.empty()
    expect(forwardedFor('x-forwarded-for', `${'192.0.2.1, '.repeat(2_000)}192.0.2.2`)).to.have.lengthOf(32)
  })

  it('takes no long time, whatever a client has put into it', () => {
    // what looks for an end in all ways takes much more than the time of a test; a request may hold eight times as much
    const texts = [':'.repeat(2_000), '1.'.repeat(1_000), '[:'.repeat(1_000), `[${':'.repeat(2_000)}`, `1:_${'.-'.repeat(1_000)}`, `[::1]:${'1'.repeat(2_000)}`].map(text => `${text}!`)

    for (const text of texts) {
      expect(forwardedFor('x-forwarded-for', text)).to.be.empty()
      expect(forwardedFor('x-real-ip', text)).to.be.empty()
      expect(forwardedFor('forwarded', `for="${text}"`)).to.be.empty()
    }
  })

  it('may hold anything: what is named is an IP address, and nothing but a malformed one throws', () => {
    const words = constantFrom('for', '=', '"', ',', ';', ' ', '[', ']', ':', '::', '192.0.2.1', '2001:db8::5', 'unknown', '_x', '\\', '%', '65536')

    assert(property(constantFrom(...HEADERS), array(words.chain(word => string({ maxLength: 1 }).map(more => word + more)), { maxLength: 12 }), (header, parts) => {
      try {
        forwardedFor(header, parts.join('')).forEach(({ host, port }) => {
          expect(host).to.match(/^[\d.:a-f]+$/i)
          expect(port).to.be.within(0, 65_535)
        })
      } catch (error: any) {
        expect([header, error.name]).to.deep.equal(['forwarded', 'InvalidMessageError'])
      }
    }), { numRuns: 1_000 })
  })
})
