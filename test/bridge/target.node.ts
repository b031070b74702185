/** Ends of a bridge as URLs and multiaddrs. */
import { expect } from 'aegir/chai'
import { formatTarget, parseListenTarget, parseTarget } from '../../src/bridge/target.ts'

/** A URL, and the multiaddr that means the same. */
const SAME: Array<[string, string]> = [
  ['tcp://127.0.0.1:5900', '/ip4/127.0.0.1/tcp/5900'],
  ['tcp://Example.com:80', '/dns/example.com/tcp/80'],
  ['tcp://[::1]:6379', '/ip6/::1/tcp/6379'],
  ['TCP://localhost:1/', '/dns/localhost/tcp/1'],
  ['udp://127.0.0.1:53', '/ip4/127.0.0.1/udp/53'],
  ['udp://[2001:DB8::0:1]:53', '/ip6/2001:db8::1/udp/53'],
  ['unix:///run/a.sock', '/unix/%2Frun%2Fa.sock'],
  ['unix:///run/with%20space:and%25', '/unix/%2Frun%2Fwith%20space%3Aand%25'],
  ['ws://example.com/path', '/dns/example.com/tcp/80/ws/http-path/path'],
  ['wss://127.0.0.1:8443', '/ip4/127.0.0.1/tcp/8443/tls/ws']
]

/** What is refused, and the words that help. */
const REFUSED: Array<[string, string]> = [
  ['localhost:5900', 'write tcp://host:port'],
  ['', 'write tcp://host:port'],
  ['tcp://localhost', 'the port is missing: write tcp://localhost:port'],
  ['tcp://[::1]', 'the port is missing: write tcp://[::1]:port'],
  ['tcp://::1:80', 'IPv6 addresses in brackets'],
  ['tcp://[127.0.0.1]:80', 'IPv6 addresses in brackets'],
  ['tcp://user@host:80', 'not host and port'],
  ['tcp://host:80/path', 'not host and port'],
  ['tcp://host:65536', '65536 is not a port'],
  ['tcp://host:0', 'port 0 cannot be dialled'],
  ['udp://[fe80::1%25eth0]:53', 'write /ip6zone'],
  ['unix://run/a.sock', 'three slashes'],
  ['unix:///a%00b', 'not the absolute path'],
  ['unix:///a%', 'write %25'],
  ['unix-dgram:///run/a.sock', 'no datagram sockets'],
  ['fifotx:///run/a', 'pipes are not supported'],
  ['http://localhost:80', 'write ws://'],
  ['/ip4/127.0.0.1', 'ends too early'],
  ['/ip4/127.0.0.1/tcp/80/tls', '/tls cannot stand here'],
  ['/ip4/127.0.0.1/udp/80/ws', '/udp'],
  ['/unix/%2Fa/tcp/80', '/tcp cannot stand here'],
  ['/ip4/127.0.0.1/udp/0', 'port 0 cannot be dialled'],
  ['/nonsense', 'not a multiaddr']
]

describe('bridge targets', () => {
  for (const [url, ma] of SAME) {
    it(`takes ${url} and ${ma} for the same`, () => {
      expect(parseTarget(url)).to.deep.equal(parseTarget(ma))
      expect(formatTarget(parseTarget(url)).toString()).to.equal(ma)
      expect(parseTarget(formatTarget(parseTarget(ma)))).to.deep.equal(parseTarget(ma))
    })
  }

  for (const [text, words] of REFUSED) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parseTarget(text)).to.throw().with.property('name', 'InvalidMultiaddrError')
      expect(() => parseTarget(text)).to.throw(words)
    })
  }

  it('says what is what', () => {
    expect(parseTarget('tcp://localhost:1')).to.deep.equal({ kind: 'tcp', host: 'localhost', family: 0, port: 1 })
    expect(parseTarget('/ip6zone/lo/ip6/::1/udp/2')).to.deep.equal({ kind: 'udp', host: '::1', family: 6, port: 2, zone: 'lo' })
    expect(parseTarget('unix:///a/b')).to.deep.equal({ kind: 'unix', path: '/a/b' })
    expect(parseTarget('wss://a.example')).to.have.nested.property('address.tls', true)
    expect(formatTarget(parseTarget('/ip6zone/lo/ip6/::1/udp/2')).toString()).to.equal('/ip6zone/lo/ip6/::1/udp/2')
  })

  it('listens on any free port, and not where WebSockets cannot', () => {
    expect(parseListenTarget('tcp://127.0.0.1:0')).to.have.property('port', 0)
    expect(parseListenTarget('/ip4/127.0.0.1/tcp/0/ws')).to.have.nested.property('address.port', 0)
    expect(() => parseListenTarget('/ip4/127.0.0.1/ws')).to.throw('/tcp is missing')
  })
})
