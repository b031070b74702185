import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { parseAddress } from '../../src/address/index.ts'
import { requestTarget } from '../../src/address/path.ts'
import { REQUEST_TARGET, texts } from './fixtures.ts'

describe('requestTarget', () => {
  const cases: Record<string, string> = {
    '': '/',
    '/': '/',
    a: '/a',
    '/a/b': '/a/b',
    '//a/b': '/a/b',
    '/a//b/': '/a//b/',
    '/a?x=1&y=/?:@': '/a?x=1&y=/?:@',
    '/a?': '/a',
    '/a b': '/a%20b',
    '/a%20b': '/a%20b',
    '/a%2fb': '/a%2fb',
    '/100%': '/100%25',
    '/%zz%1': '/%25zz%251',
    '/a#b': '/a%23b',
    '/a\\b': '/a%5Cb',
    '/"<>[]^`{|}': '/%22%3C%3E%5B%5D%5E%60%7B%7C%7D',
    '/\r\nHost: evil': '/%0D%0AHost:%20evil',
    '/\0\t\x7f': '/%00%09%7F',
    '/é€😀': '/%C3%A9%E2%82%AC%F0%9F%98%80',
    '/\u017f\u212a': '/%C5%BF%E2%84%AA',
    '/\ud800': '/%EF%BF%BD',
    '/a/../b/./c': '/b/c',
    '/../../a': '/a',
    '/a/%2E%2e/b': '/b',
    '/.//a': '/a',
    '@example.com': '/@example.com',
    ':1/a': '/:1/a',
    'http://example.com/a': '/http://example.com/a'
  }

  for (const [text, target] of Object.entries(cases)) {
    it(`makes ${JSON.stringify(target)} of ${JSON.stringify(text)}`, () => {
      expect(requestTarget(text)).to.equal(target)
    })
  }

  it('makes a request target of any text, and leaves it alone from then on', () => {
    fc.assert(fc.property(texts, text => {
      const target = requestTarget(text)

      expect(target).to.match(REQUEST_TARGET)
      expect(requestTarget(target)).to.equal(target)
    }), { numRuns: 1_000 })
  })

  it('is taken by URL as it is', () => {
    fc.assert(fc.property(texts, text => {
      const target = requestTarget(text)
      const { host, pathname, search, hash } = new URL(`ws://a.example${target}`)

      expect([host, `${pathname}${search}${hash}`]).to.deep.equal(['a.example', target])
    }), { numRuns: 1_000 })
  })

  const encoded: Record<string, string> = {
    'a%2Fb': '/a/b',
    '%2Fa%2Fb': '/a/b',
    'a%3Fx%3D1': '/a?x=1',
    'a%20b': '/a%20b',
    'a%2520b': '/a%20b',
    'a%252Fb': '/a%2Fb',
    'a%23b': '/a%23b',
    'a%0D%0AHost%3A%20b': '/a%0D%0AHost:%20b'
  }

  for (const [value, target] of Object.entries(encoded)) {
    it(`asks for ${target} at /http-path/${value}`, () => {
      expect(parseAddress(`/dns4/example.com/tcp/80/ws/http-path/${value}`).path).to.equal(target)
    })
  }
})
