/** Dials through real proxies, and through ones that are down, silent, or no proxies. */
import { expect } from 'aegir/chai'
import { dial } from '../../src/channel/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { needsProxy, startProxy } from '../fixtures/forward-proxies.ts'
import { tcpPeer } from '../fixtures/peers.ts'
import { freePort, serve } from '../server/fixtures.ts'
import { Inbox } from '../suites/peer.ts'
import { failure } from './failure.ts'
import { answering, expectFailed, rude } from './rude.ts'
import type { Channel, DialOptions } from '../../src/channel/index.ts'
import type { Certificate } from '../fixtures/certificate.ts'
import type { ProxyProgram, RunningProxy } from '../fixtures/forward-proxies.ts'
import type { Served } from '../server/fixtures.ts'
import type { Socket } from 'node:net'

interface RealProxy {
  what: string
  program: ProxyProgram
  proxy (ports: [number, number], certificate: Certificate): DialOptions['proxy']
  /** Of the refusal to connect where nobody listens. */
  status?: number
}

const PROXIES: RealProxy[] = [
  { what: 'squid', program: 'squid', proxy: ([port]) => `http://127.0.0.1:${port}`, status: 503 },
  { what: 'squid over TLS', program: 'squid', proxy: ([, port], { cert }) => ({ url: `https://localhost:${port}`, tls: { ca: cert } }), status: 503 },
  { what: 'tinyproxy with a password', program: 'tinyproxy', proxy: ([port]) => new URL(`http://me:s%33cret@localhost:${port}`), status: 500 },
  { what: 'dante, which resolves names', program: 'danted', proxy: ([port]) => `socks5h://127.0.0.1:${port}` },
  { what: 'dante, which is given IP addresses', program: 'danted', proxy: ([port]) => ({ url: `socks5://localhost:${port}` }) }
]

/** Where the server of a test may be: how it listens, and how it is dialled. */
const TARGETS: Array<[what: string, at: string, to: (port: number) => string]> = [
  ['ws', '/ip4/127.0.0.1/tcp/0/ws', port => `/ip4/127.0.0.1/tcp/${port}/ws/http-path/a%3Fb`],
  ['ws by name', '/ip4/127.0.0.1/tcp/0/ws', port => `/dns4/localhost/tcp/${port}/ws`],
  ['wss', '/ip4/127.0.0.1/tcp/0/tls/ws', port => `/ip4/127.0.0.1/tcp/${port}/tls/ws`],
  ['wss by name', '/ip4/127.0.0.1/tcp/0/tls/ws', port => `/dns4/localhost/tcp/${port}/tls/ws`],
  ['wss under another name', '/ip4/127.0.0.1/tcp/0/tls/ws', port => `/ip4/127.0.0.1/tcp/${port}/tls/sni/example.com/ws`]
]

/** More than any buffer on the way holds. */
const BULK = new Uint8Array(4_000_000).fill(7)

let certificate: Certificate
before(async () => {
  certificate = await createCertificate()
})

async function echoes (channel: Channel, data: Uint8Array): Promise<void> {
  const inbox = new Inbox()
  channel.onmessage = inbox.add
  channel.send(data)

  expect((await inbox.until(({ size }) => size >= data.byteLength)).bytes).to.deep.equal(data)
}

async function open (address: string, options: DialOptions): Promise<Channel> {
  const channel = await dial(address, options)
  cleanUp(() => { channel.abort() })

  return channel
}

/** Our connection ends at somebody who is not the server. */
function expectProxied (channel: Channel, served: Served): void {
  expect(served.channels[0].remote.port).to.not.equal(channel.local.port)
}

PROXIES.forEach(({ what, program, proxy, status }) => {
  describe(`dial through ${what}`, () => {
    let running: RunningProxy | undefined
    let options: DialOptions

    before(async function () {
      needsProxy(this, program)
      running = await startProxy(program, certificate)
      options = { proxy: proxy(running.ports, certificate), tls: { ca: certificate.cert } }
    })
    after(async () => running?.stop())

    TARGETS.forEach(([target, at, to]) => {
      it(`reaches a server: ${target}`, async () => {
        const served = await serve({ https: at.includes('tls') ? certificate : undefined, maxMessage: BULK.byteLength }, at)
        const stages: string[] = []
        const channel = await open(to(served.port), { ...options, onProgress: stage => stages.push(stage) })

        await echoes(channel, BULK)
        expectProxied(channel, served)
        expect(channel.remote).to.include({ port: served.port, tls: at.includes('tls') })
        expect(served.requests[0].headers.host).to.match(/^(127\.0\.0\.1|localhost|example\.com):/)
        expect(stages.filter(stage => stage !== 'resolve')).to.deep.equal(['connect', 'proxy', ...(at.includes('tls') ? ['tls'] : []), 'upgrade'])
        await channel.close()
      })
    })

    it('says that the server behind it is down', async () => {
      const error = await failure(`/ip4/127.0.0.1/tcp/${await freePort()}/ws`, options)

      expectFailed(error, 'proxy')
      expect(error.message).to.include(`through ${error.proxy}`)
      expect(error.proxy).to.match(/^[a-z5]+:\/\/(127\.0\.0\.1|localhost):\d+$/)

      if (status != null) {
        expect(error.cause).to.include({ name: 'ProxyRefusedError', status })
      } else {
        expect(error.cause.message).to.include('rejected')
      }
    })

    it('says what is wrong behind it', async () => {
      const secure = await serve({ https: certificate }, '/ip4/127.0.0.1/tcp/0/tls/ws')
      expectFailed(await failure(`wss://127.0.0.1:${secure.port}`, { proxy: options.proxy }), 'tls')
      expectFailed(await failure(await answering('HTTP/1.1 404 Not Found\r\n\r\n'), options), 'upgrade')
    })

    it('is called off while the server behind it is silent', async () => {
      const peer = await tcpPeer()
      const controller = new AbortController()
      const error = failure(`${peer.address}`, { ...options, signal: controller.signal })
      await peer.accept()
      controller.abort()

      expect(await error).to.have.property('name', 'AbortError')
    })
  })
})

describe('dial through tinyproxy that wants a password', () => {
  it('says so, and how to give it, without a word of it', async function () {
    needsProxy(this, 'tinyproxy')
    const running = await startProxy('tinyproxy', certificate)
    cleanUp(running.stop)

    const none = await failure('ws://127.0.0.1:9', { proxy: `http://127.0.0.1:${running.ports[0]}` })
    expectFailed(none, 'proxy')
    expect(none.cause).to.include({ name: 'ProxyRefusedError', status: 407 })
    expect(none.remedy).to.include('password')

    const wrong = await failure('ws://127.0.0.1:9', { proxy: `http://me:opensesame@127.0.0.1:${running.ports[0]}` })
    expect(`${wrong.stack} ${wrong.proxy} ${JSON.stringify(wrong.cause)}`).to.not.include('opensesame')
  })
})

/** A SOCKS server that wants a password, and takes none (RFC 1928 section 3, RFC 1929 section 2). */
async function strictSocks (seen: string[]): Promise<string> {
  return rude(socket => {
    socket.once('data', (offer: Buffer) => {
      if (!offer.subarray(2).includes(2)) {
        socket.write(Uint8Array.of(5, 0xff))
        return
      }

      socket.write(Uint8Array.of(5, 2))
      socket.once('data', (login: Buffer) => {
        const password = 2 + login[1]
        seen.push(`${login.subarray(2, password)} ${login.subarray(password + 1)}`)
        socket.write(Uint8Array.of(1, 1))
      })
    })
  })
}

describe('dial through a proxy that fails', () => {
  for (const scheme of ['http', 'https', 'socks5h']) {
    const through = (url: string): DialOptions => ({ proxy: url.replace('ws:', `${scheme}:`), handshakeTimeout: 2_000 })

    describe(scheme, () => {
      it('is down', async () => {
        const error = await failure('/ip4/127.0.0.1/tcp/9/ws', through(`ws://127.0.0.1:${await freePort()}`))

        expectFailed(error, 'connect')
        expect(error.cause).to.have.property('code', 'ECONNREFUSED')
        expect(error.message).to.include('through').and.include('The proxy does not listen')
      })

      it('has a name that does not exist', async () => {
        expectFailed(await failure('/ip4/127.0.0.1/tcp/9/ws', through('ws://nowhere.invalid:80')), 'resolve')
      })

      it('answers garbage', async () => {
        expectFailed(await failure('ws://127.0.0.1:9', through(await answering('\x00\xff SSH-2.0-OpenSSH\r\n\r\n'))), 'proxy')
      })

      it('answers without end', async () => {
        const error = await failure('ws://127.0.0.1:9', through(await answering(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`)))

        expectFailed(error, 'proxy')
      })

      it('ends, or resets, instead of an answer', async () => {
        const ends: Array<(socket: Socket) => void> = [socket => { socket.end() }, socket => { socket.resetAndDestroy() }]

        for (const end of ends) {
          expectFailed(await failure('ws://127.0.0.1:9', through(await rude(socket => { socket.once('data', () => { end(socket) }) }))), 'proxy')
        }

        expectFailed(await failure('ws://127.0.0.1:9', through(await rude(socket => { socket.end() }))), 'proxy')
      })

      it('never answers', async () => {
        const peer = await tcpPeer()
        const error = await failure('/ip4/127.0.0.1/tcp/9/ws', { ...through(`ws://127.0.0.1:${peer.address.getComponents()[1].value}`), handshakeTimeout: 50 })

        expect(error).to.have.property('name', 'TimeoutError')
        expect(error.message).to.include('proxy not done within 50 ms').and.include('through').and.include('The proxy, or the server behind it')
      })

      it('is called off', async () => {
        const peer = await tcpPeer()
        const controller = new AbortController()
        const error = await failure('ws://127.0.0.1:9', {
          ...through(`ws://127.0.0.1:${peer.address.getComponents()[1].value}`),
          signal: controller.signal,
          onProgress: stage => {
            if (stage === 'proxy') {
              controller.abort()
            }
          }
        })

        expect(error).to.have.property('name', 'AbortError')
        expect(error.message).to.include('stage proxy')
      })
    })
  }

  it('has a certificate that nobody trusts', async function () {
    needsProxy(this, 'squid')
    const running = await startProxy('squid', certificate)
    cleanUp(running.stop)
    const error = await failure('ws://127.0.0.1:9', { proxy: `https://localhost:${running.ports[1]}` })

    expectFailed(error, 'proxy')
    expect(error.cause).to.have.property('code', 'DEPTH_ZERO_SELF_SIGNED_CERT')
  })

  it('is a SOCKS server that refuses the password, or its absence', async () => {
    const seen: string[] = []
    const error = await failure('ws://127.0.0.1:9', { proxy: (await strictSocks(seen)).replace('ws://', 'socks5h://me:opensesame@') })

    expectFailed(error, 'proxy')
    expect(seen).to.deep.equal(['me opensesame'])
    expect(error.cause).to.not.have.property('options')
    expect(`${error.stack} ${error.proxy}`).to.not.include('opensesame')
    expectFailed(await failure('ws://127.0.0.1:9', { proxy: (await strictSocks(seen)).replace('ws://', 'socks5h://') }), 'proxy')
  })

  const misuses: Record<string, DialOptions['proxy']> = {
    'no URL': 'proxy.example',
    'a scheme that is no proxy': 'ftp://localhost',
    'no host': 'socks5://',
    'a header with a line break': { url: 'http://localhost', headers: { 'X-Name': 'a\r\nb: c' } },
    'a certificate that is none': { url: 'https://localhost', tls: { cert: 'none' } }
  }

  for (const [what, proxy] of Object.entries(misuses)) {
    it(`is none: ${what}`, async () => {
      expect(await failure('ws://127.0.0.1:9', { proxy })).to.have.property('name', 'InvalidParametersError')
    })
  }
})

describe('dial through a proxy: what it asks for', () => {
  /** The first request to a proxy that is dialled through with these options. */
  async function requestTo (address: string, options: (url: string) => DialOptions): Promise<string> {
    const requests: string[] = []
    const url = await rude(socket => {
      socket.once('data', data => {
        requests.push(`${data}`)
        socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
      })
    })
    await failure(address, options(url.replace('ws:', 'http:')))

    return requests[0]
  }

  it('is the IP address, with brackets where they are due, not the server name', async () => {
    expect(await requestTo('/ip6/::1/tcp/443/tls/sni/example.com/ws', proxy => ({ proxy }))).to.match(/^CONNECT \[::1\]:443 HTTP\/1\.1\r\nHost: \[::1\]:443\r\n/)
  })

  it('is the name, so that it resolves it, and default ports', async () => {
    expect(await requestTo('wss://nowhere.invalid', proxy => ({ proxy }))).to.match(/^CONNECT nowhere\.invalid:443 /)
    expect(await requestTo('ws://nowhere.invalid', proxy => ({ proxy }))).to.match(/^CONNECT nowhere\.invalid:80 /)
  })

  it('goes with headers for the proxy, and none of those for the server', async () => {
    const request = await requestTo('ws://nowhere.invalid', url => ({ proxy: { url, headers: { 'Proxy-Authorization': 'Bearer me' } }, headers: { Authorization: 'Bearer server' } }))

    expect(request).to.include('Proxy-Authorization: Bearer me\r\n').and.not.include('server')
  })

  it('is nothing for a Unix socket or a zone', async () => {
    const proxy = `http://127.0.0.1:${await freePort()}`

    expect(await failure('/unix/%2Fno%2Fsuch%2Ffile/ws', { proxy })).to.have.nested.property('cause.code', 'ENOENT')
    expect(await failure('/ip6zone/lo/ip6/::1/tcp/9/ws', { proxy })).to.have.property('proxy', undefined)
  })

  it('loses no byte that comes with the answer', async () => {
    const proxy = (await answering('HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 418 Teapot\r\n\r\n')).replace('ws:', 'http:')
    const error = await failure('ws://127.0.0.1:9', { proxy })

    expectFailed(error, 'upgrade')
    expect(error.cause).to.have.property('status', 418)
  })
})

describe('dial with proxyEnv', () => {
  it('goes through the proxy of the variables', async () => {
    const error = await failure('ws://nowhere.invalid', { proxyEnv: { HTTP_PROXY: (await answering('HTTP/1.1 403 Forbidden\r\n\r\n')).replace('ws:', 'http:') } })

    expectFailed(error, 'proxy')
    expect(error.cause).to.have.property('status', 403)
  })

  it('yields to proxy', async () => {
    const proxy = `http://127.0.0.1:${await freePort()}`

    expect(await failure('ws://127.0.0.1:9', { proxy, proxyEnv: { HTTP_PROXY: 'http://127.0.0.1:1' } })).to.have.property('proxy', proxy)
  })

  it('is not the environment unless that is given', async () => {
    const before = process.env.ALL_PROXY
    process.env.ALL_PROXY = `http://127.0.0.1:${await freePort()}`
    cleanUp(() => {
      if (before == null) {
        delete process.env.ALL_PROXY
      } else {
        process.env.ALL_PROXY = before
      }
    })
    const { port } = await serve()

    await open(`ws://127.0.0.1:${port}`, {})
    expectFailed(await failure(`ws://127.0.0.1:${port}`, { proxyEnv: { ...process.env, http_proxy: undefined, HTTP_PROXY: undefined, no_proxy: '' } }), 'connect')
  })
})
