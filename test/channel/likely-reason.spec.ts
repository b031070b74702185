import { expect } from 'aegir/chai'
import { parseAddress } from '../../src/address/index.ts'
import { likelyReason } from '../../src/channel/browser/likely-reason.ts'

const https = { origin: 'https://example.com', onLine: true }
const http = { origin: 'http://localhost', onLine: true }

describe('why a dial in a browser failed', () => {
  const cases: Array<[what: string, address: string, here: { origin: string, onLine: boolean }, says: RegExp]> = [
    ['mixed content', '/ip4/192.0.2.1/tcp/80/ws', https, /a page from https:\/\/example\.com may not open ws: connections/],
    ['a blocked port', '/ip4/127.0.0.1/tcp/22/ws', http, /browsers block port 22/],
    ['no network', '/ip4/192.0.2.1/tcp/80/ws', { ...http, onLine: false }, /this browser is offline/],
    ['loopback without a network', '/ip4/127.0.0.1/tcp/80/ws', { ...http, onLine: false }, /is a WebSocket server there/],
    ['a certificate for an IP address', '/ip4/192.0.2.1/tcp/443/tls/ws', https, /does not trust the certificate.*\/tls\/sni\/NAME\/ws/],
    ['a name beside an IP address, which is not dialled', '/ip4/192.0.2.1/tcp/443/tls/sni/example.com/ws', https, /with a certificate that the browser trusts/],
    ['no network to a name beside a loopback address', '/ip4/127.0.0.1/tcp/443/tls/sni/example.com/ws', { ...https, onLine: false }, /this browser is offline/],
    ['TLS', '/dns/example.com/tcp/443/tls/ws', https, /with a certificate that the browser trusts/],
    ['anything else', '/dns/example.com/tcp/80/ws', http, /wants no TLS/]
  ]

  for (const [what, address, here, says] of cases) {
    it(`is inferred for ${what}`, () => {
      expect(likelyReason(parseAddress(address), new Error(''), here)).to.match(says)
    })
  }

  it('comes with what the browser says', () => {
    expect(likelyReason(parseAddress('/dns/example.com/tcp/80/ws'), new Error('closed with code 1006.'), http)).to.match(/ \(closed with code 1006\)$/)
  })
})
