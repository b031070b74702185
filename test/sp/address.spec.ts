import { expect } from 'aegir/chai'
import { dialAddress, listenAddress } from '../../src/sp/address.ts'

describe('sp addresses', () => {
  const cases: Array<[input: string, dial: string, listen: string]> = [
    ['ws://127.0.0.1:5555/a?b=c', 'ws://127.0.0.1:5555/a?b=c', 'ws://127.0.0.1:5555/a?b=c'],
    ['/ip4/127.0.0.1/tcp/1/ws', '/ip4/127.0.0.1/tcp/1/ws', '/ip4/127.0.0.1/tcp/1/ws'],
    ['ws4://localhost:5555/a', '/dns4/localhost/tcp/5555/ws/http-path/a', '/dns4/localhost/tcp/5555/ws/http-path/a'],
    ['wss6://example.com', '/dns6/example.com/tcp/443/tls/ws', '/dns6/example.com/tcp/443/tls/ws'],
    ['ws4://127.0.0.1:1', '/ip4/127.0.0.1/tcp/1/ws', '/ip4/127.0.0.1/tcp/1/ws'],
    ['ws6://[::1]:1', '/ip6/::1/tcp/1/ws', '/ip6/::1/tcp/1/ws'],
    ['ws://*:5555/path', 'ws://*:5555/path', 'ws://0.0.0.0:5555/path'],
    ['ws://:5555', 'ws://:5555', 'ws://0.0.0.0:5555'],
    ['wss4://*:5555', '', 'wss://0.0.0.0:5555'],
    ['ws6://*:5555', '', 'ws://[::]:5555']
  ]

  for (const [input, dial, listen] of cases) {
    it(`takes ${input}`, () => {
      expect(`${listenAddress(input)}`).to.equal(listen)

      if (dial === '') {
        expect(() => dialAddress(input)).to.throw().with.property('name', 'InvalidMultiaddrError')
      } else {
        expect(`${dialAddress(input)}`).to.equal(dial)
      }
    })
  }

  for (const input of ['ws4://[::1]:1', 'ws6://127.0.0.1:1', 'ws4://user@localhost:1']) {
    it(`refuses ${input}`, () => {
      expect(() => dialAddress(input)).to.throw().with.property('name', 'InvalidMultiaddrError')
    })
  }
})
