/** Which proxy the environment chooses. */
import { expect } from 'aegir/chai'
import { parseAddress } from '../../src/address/index.ts'
import { proxyFromEnv } from '../../src/channel/dialling/proxy-env.ts'

const PLAIN = 'ws://example.com'
const SECURE = 'wss://example.com'

describe('proxyEnv', () => {
  const choices: Array<[address: string, env: Record<string, string>, proxy: string | undefined]> = [
    [PLAIN, {}, undefined],
    [PLAIN, { HTTP_PROXY: 'http://a' }, 'http://a'],
    [SECURE, { HTTP_PROXY: 'http://a' }, undefined],
    [SECURE, { HTTPS_PROXY: 'http://a' }, 'http://a'],
    [PLAIN, { HTTPS_PROXY: 'http://a' }, undefined],
    [PLAIN, { ALL_PROXY: 'socks5h://a' }, 'socks5h://a'],
    [SECURE, { all_proxy: 'socks5h://a' }, 'socks5h://a'],
    [SECURE, { ALL_PROXY: 'socks5h://a', HTTPS_PROXY: 'http://b' }, 'http://b'],
    [PLAIN, { HTTP_PROXY: 'http://a', http_proxy: 'http://b' }, 'http://b'],
    [SECURE, { HTTPS_PROXY: 'http://a', https_proxy: 'http://b' }, 'http://b'],
    [PLAIN, { HTTP_PROXY: 'http://a', http_proxy: '' }, undefined],
    [PLAIN, { HTTP_PROXY: 'a:3128' }, 'http://a:3128'],
    // the header `Proxy` of who asks a CGI program
    [PLAIN, { HTTP_PROXY: 'http://a', REQUEST_METHOD: 'GET' }, undefined],
    [PLAIN, { http_proxy: 'http://a', REQUEST_METHOD: 'GET' }, 'http://a'],
    [SECURE, { HTTPS_PROXY: 'http://a', REQUEST_METHOD: 'GET' }, 'http://a']
  ]

  for (const [address, env, proxy] of choices) {
    it(`${JSON.stringify(env)} for ${address}: ${proxy}`, () => {
      expect(proxyFromEnv(parseAddress(address), env)).to.equal(proxy)
    })
  }

  const exemptions: Array<[noProxy: string, exempt: string[], others: string[]]> = [
    ['*', ['ws://example.com', 'ws://1.2.3.4', 'ws://[::1]'], []],
    ['', [], ['ws://example.com']],
    [' , ', [], ['ws://example.com']],
    ['example.com', ['ws://example.com', 'ws://a.example.com', 'wss://example.com:1'], ['ws://notexample.com', 'ws://com', 'ws://example.com.test']],
    ['.Example.COM', ['ws://a.example.com'], ['ws://notexample.com']],
    ['*.example.com', ['ws://a.example.com'], ['ws://notexample.com']],
    ['a.test, example.com b.test', ['ws://example.com', 'ws://b.test'], ['ws://c.test']],
    ['example.com:81', ['ws://example.com:81'], ['ws://example.com']],
    ['example.com:443', ['wss://example.com'], ['ws://example.com']],
    ['1.2.3.4', ['ws://1.2.3.4'], ['ws://1.2.3.5', 'ws://1.2.3.4.test']],
    ['10.0.0.0/8', ['ws://10.1.2.3'], ['ws://11.1.2.3', 'ws://[::a]', 'ws://example.com']],
    ['10.0.0.0/8:81', ['ws://10.1.2.3:81'], ['ws://10.1.2.3']],
    ['10.0.0.0/33,10.0.0.0/x,10.0.0.0/', [], ['ws://10.0.0.0']],
    ['::1', ['ws://[::1]', 'ws://[::1]:81'], ['ws://[::2]']],
    ['[::1]:81', ['ws://[::1]:81'], ['ws://[::1]']],
    ['fd00::/8', ['ws://[fd12::1]'], ['ws://[fe80::1]', 'ws://1.2.3.4']],
    ['example.com', ['/ip4/1.2.3.4/tcp/443/tls/sni/example.com/ws'], ['/ip4/1.2.3.4/tcp/443/tls/ws']],
    ['1.2.3.4', ['/ip4/1.2.3.4/tcp/443/tls/sni/example.com/ws'], []]
  ]

  for (const [noProxy, exempt, others] of exemptions) {
    it(`NO_PROXY=${JSON.stringify(noProxy)} exempts ${exempt.length === 0 ? 'nothing' : exempt.join(', ')}`, () => {
      const proxyOf = (address: string): string | undefined => proxyFromEnv(parseAddress(address), { ALL_PROXY: 'http://a', NO_PROXY: noProxy })

      expect(exempt.filter(address => proxyOf(address) != null)).to.deep.equal([])
      expect(others.filter(address => proxyOf(address) == null)).to.deep.equal([])
    })
  }

  it('no_proxy goes before NO_PROXY', () => {
    expect(proxyFromEnv(parseAddress(PLAIN), { ALL_PROXY: 'http://a', no_proxy: '', NO_PROXY: '*' })).to.equal('http://a')
  })
})
