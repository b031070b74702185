/** Which peer a client gets. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { bridgeRequest } from '../../src/bridge/request.ts'
import { allow, file, fixed, requested, token } from '../../src/bridge/resolvers/index.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { request } from './request-fixtures.ts'
import type { Resolver } from '../../src/bridge/resolver.ts'
import type { IncomingHttpHeaders } from 'node:http'

/** The address a client is sent to, the status it is refused with, or nothing. */
async function peer (resolver: Resolver, url: string, headers?: IncomingHttpHeaders): Promise<string | number | undefined> {
  const resolved: any = await resolver(request(url, headers))

  return resolved == null ? undefined : resolved.status ?? String(resolved.address)
}

async function folder (files: Record<string, string>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'ws-transport-'))
  cleanUp(async () => { await rm(path, { recursive: true }) })

  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(path, name, '..'), { recursive: true })
    await writeFile(join(path, name), text)
  }

  return path
}

describe('bridge requests', () => {
  it('are read from the upgrade request', () => {
    const read = bridgeRequest({
      url: '/a%20b/c?d=e%20f&g=?',
      headers: { cookie: 'id=1%20; x = y=z;; id=2; =n', 'sec-websocket-protocol': 'one, two,,three', host: 'h' }
    }, { host: '::1', family: 6, port: 2, path: '/', tls: false })

    expect(read).to.deep.include({ target: '/a%20b/c?d=e%20f&g=?', path: '/a%20b/c', subprotocols: ['one', 'two', 'three'] })
    expect([...read.query]).to.deep.equal([['d', 'e f'], ['g', '?']])
    expect(Object.fromEntries(read.cookies)).to.deep.equal({ id: '1%20', x: 'y=z' })
    expect(read.headers.host).to.equal('h')
    expect(read.remote.host).to.equal('::1')
    expect(request('/')).to.deep.include({ path: '/', subprotocols: [], cookies: new Map() })
  })
})

describe('bridge resolver: fixed', () => {
  it('sends everyone to the same peer', async () => {
    expect(await peer(fixed({ address: 'tcp://localhost:1' }), '/any')).to.equal('tcp://localhost:1')
  })

  it('refuses at the start what cannot be dialled, or framed', () => {
    expect(() => fixed({ address: 'localhost:1' })).to.throw().with.property('name', 'InvalidMultiaddrError')
    expect(() => fixed({ address: 'tcp://localhost:1', framing: 'lines' })).to.throw().with.property('name', 'InvalidParametersError')
  })
})

describe('bridge resolver: file, as that of websocksy', () => {
  it('knows its variables, and replaces slashes in their values', async () => {
    const path = await folder({ 'e-a_b?c=_d': 'tcp://e:1 x', 'c-1': 'tcp://c:1 x', 'h-v_w': 'tcp://h:1 x', plain: 'tcp://plain:1 x' })

    expect(await peer(file({ path, expressions: ['e-%endpoint%'] }), '/a/b?c=/d')).to.equal('/dns/e/tcp/1')
    expect(await peer(file({ path, expressions: ['c-%cookie:id%'] }), '/', { cookie: 'a=b; id=1' })).to.equal('/dns/c/tcp/1')
    expect(await peer(file({ path, expressions: ['h-%header:X-Target%'] }), '/', { 'x-target': 'v/w' })).to.equal('/dns/h/tcp/1')
    expect(await peer(file({ path, expressions: ['plain'] }), '/')).to.equal('/dns/plain/tcp/1')
  })

  it('tries the expressions in order: a missing variable or file moves on, none left refuses', async () => {
    const path = await folder({ 'user-1': 'tcp://one:1 x', default: 'tcp://default:1 x' })
    const resolver = file({ path, expressions: ['user-%cookie:id%', '%endpoint%', 'default'] })

    expect(await peer(resolver, '/nothing', { cookie: 'id=1' })).to.equal('/dns/one/tcp/1')
    expect(await peer(resolver, '/user-1', { cookie: 'id=2' })).to.equal('/dns/one/tcp/1')
    expect(await peer(resolver, '/nothing')).to.equal('/dns/default/tcp/1')
    expect(await peer(file({ path, expressions: ['%endpoint%'] }), '/nothing')).to.equal(undefined)
  })

  it('reads the file for each client', async () => {
    const path = await folder({ peer: 'tcp://old:1 x' })
    const resolver = file({ path, expressions: ['peer'] })

    expect(await peer(resolver, '/')).to.equal('/dns/old/tcp/1')
    await writeFile(join(path, 'peer'), 'tcp://new:1 x')
    expect(await peer(resolver, '/')).to.equal('/dns/new/tcp/1')
  })

  it('takes the first line whose subprotocol is offered', async () => {
    const path = await folder({ peer: 'tcp://mqtt:1 mqtt\n\ntcp://vnc:1 binary\r\ntcp://rest:1 *\n' })
    const resolver = file({ path, expressions: ['peer'] })
    const resolve = async (offers?: string): Promise<unknown> => {
      const { address, protocol }: any = await resolver(request('/', { 'sec-websocket-protocol': offers }))
      return [String(address), protocol]
    }

    expect(await resolve('binary')).to.deep.equal(['/dns/vnc/tcp/1', 'binary'])
    expect(await resolve('binary, mqtt')).to.deep.equal(['/dns/mqtt/tcp/1', 'mqtt'])
    expect(await resolve('MQTT, x')).to.deep.equal(['/dns/rest/tcp/1', 'MQTT'])
    expect(await resolve()).to.deep.equal(['/dns/mqtt/tcp/1', ''])
  })

  it('refuses a client where no line fits', async () => {
    const path = await folder({ peer: 'tcp://mqtt:1 mqtt', empty: '' })

    expect(await peer(file({ path, expressions: ['peer'] }), '/', { 'sec-websocket-protocol': 'x' })).to.equal(400)
    expect(await peer(file({ path, expressions: ['empty'] }), '/')).to.equal(400)
  })

  it('reads framings, with configuration to the end of the line', async () => {
    const path = await folder({ peer: 'tcp://h:1 x separator , \\n', dynamic: 'h:1 x dynamic32 offset=1 endian=big', bare: 'unix:///run/100%.sock' })
    const framing = async (name: string): Promise<any> => (await file({ path, expressions: [name] })(request('/')) as any).framing

    expect(await framing('peer')).to.equal('separator:, \\n')
    expect(await framing('dynamic')).to.equal('dynamic32:offset=1 endian=big')
    expect(await framing('bare')).to.equal(undefined)
    expect(await peer(file({ path, expressions: ['bare'] }), '/')).to.equal('/unix/%2Frun%2F100%25.sock')
  })

  it('must not die of a line that it cannot understand, or that has no subprotocol', async () => {
    const path = await folder({ peer: 'tcp://h:1', port: 'tcp://h x', framing: 'tcp://h:1 x lines', config: 'tcp://h:1 x newline' })

    expect(await peer(file({ path, expressions: ['peer'] }), '/')).to.equal('/dns/h/tcp/1')
    await expect(peer(file({ path, expressions: ['port'] }), '/')).to.eventually.be.rejected.with.property('name', 'InvalidMultiaddrError')
    await expect(peer(file({ path, expressions: ['framing'] }), '/')).to.eventually.be.rejected.with.property('name', 'InvalidParametersError')
    await expect(peer(file({ path, expressions: ['config'] }), '/')).to.eventually.be.rejected.with.property('name', 'InvalidParametersError')
  })

  it('never leaves its folder', async () => {
    const path = join(await folder({ 'secret/x': 'tcp://secret:1 x', 'base/x': 'tcp://fine:1 x', basement: 'tcp://secret:1 x' }), 'base')

    for (const url of ['/..', '/../secret/x', '/..%2fsecret%2fx', '/a/../../secret/x', '/.', '/', '/%00']) {
      expect(await peer(file({ path, expressions: ['%endpoint%', '%endpoint%/x'] }), url)).to.not.equal('/dns/secret/tcp/1')
    }

    for (const id of ['..', '../secret', '..\\secret', '../secret/x', 'x\0']) {
      expect(await peer(file({ path, expressions: ['%cookie:id%/secret/x', '%cookie:id%', '%cookie:id%ment'] }), '/', { cookie: `id=${id}` })).to.equal(undefined)
    }
  })

  it('refuses at the start a variable that it does not know', () => {
    expect(() => file({ expressions: ['x'] } as any)).to.throw('needs the path').with.property('name', 'InvalidParametersError')
    expect(() => file({ path: '/' } as any)).to.throw('an expression').with.property('name', 'InvalidParametersError')

    for (const expressions of [['%path%'], ['%cookie%'], ['%cookie:%'], ['100%'], []]) {
      expect(() => file({ path: '/', expressions })).to.throw().with.property('name', 'InvalidParametersError')
    }
  })
})

describe('bridge resolver: token', () => {
  const tokens = { one: 'tcp://one:1', two: { address: 'tcp://two:2', framing: 'json', protocol: 'x' } }

  it('finds the token in query, path, header and cookie', async () => {
    expect(await peer(token({ from: 'query:token', tokens }), '/x?token=one')).to.equal('tcp://one:1')
    expect(await peer(token({ from: 'path', tokens }), '/one/')).to.equal('tcp://one:1')
    expect(await peer(token({ from: 'header:X-Token', tokens }), '/', { 'x-token': 'one' })).to.equal('tcp://one:1')
    expect(await peer(token({ from: 'cookie:t', tokens }), '/', { cookie: 't=%6fne' })).to.equal('tcp://one:1')
    expect(await token({ from: 'path', tokens })(request('/two'))).to.deep.equal(tokens.two)
  })

  it('refuses who has none that is known', async () => {
    for (const url of ['/', '/three', '/__proto__', '/toString', '/%', '/one/two']) {
      expect(await peer(token({ from: 'path', tokens }), url)).to.equal(undefined)
    }
  })

  it('reads a file again when it has changed, and fails while it makes no sense', async () => {
    const path = join(await folder({ tokens: '# peers\none: one:1\n\ntwo: unix:///run/two.sock # comment\nthree: /ip4/127.0.0.1/udp/3' }), 'tokens')
    const resolver = token({ from: 'path', tokens: path })

    expect(await peer(resolver, '/one')).to.equal('tcp://one:1')
    expect(await peer(resolver, '/two')).to.equal('unix:///run/two.sock')
    expect(await peer(resolver, '/three')).to.equal('/ip4/127.0.0.1/udp/3')

    await writeFile(path, '{ "one": "tcp://new:1" }')
    expect(await peer(resolver, '/one')).to.equal('tcp://new:1')
    expect(await peer(resolver, '/two')).to.equal(undefined)

    for (const text of ['nonsense', 'one: http://x:1', '{', '{ "one": "tcp://x" }']) {
      await writeFile(path, text)
      await expect(peer(resolver, '/one')).to.eventually.be.rejected()
    }

    await rm(path)
    await expect(peer(resolver, '/one')).to.eventually.be.rejected.with.property('code', 'ENOENT')
  })

  it('refuses at the start what it cannot use', () => {
    for (const from of ['', 'body', 'path:x', 'query', 'query:', 'header']) {
      expect(() => token({ from: from as any, tokens })).to.throw('write path, query:NAME, header:NAME or cookie:NAME').with.property('name', 'InvalidParametersError')
    }

    expect(() => token({ from: 'path' } as any)).to.throw('needs tokens').with.property('name', 'InvalidParametersError')
    expect(() => token({ from: 'path', tokens: { a: 'nowhere' } })).to.throw().with.property('name', 'InvalidMultiaddrError')
  })
})

describe('bridge resolver: allow and requested', () => {
  /** Rules, what they let through, and what not. */
  const CASES: Array<[string, string[], string[]]> = [
    ['127.0.0.1', ['tcp://127.0.0.1:1', '/ip4/127.0.0.1/udp/9', 'ws://127.0.0.1/x'], ['tcp://127.0.0.2:1', 'unix:///127.0.0.1']],
    ['10.0.0.0/8:5900-5910,22', ['tcp://10.255.0.1:5900', 'tcp://10.0.0.0:22', 'tcp://10.0.0.0:5910'], ['tcp://11.0.0.0:22', 'tcp://10.0.0.1:5911', 'tcp://10.0.0.1:23']],
    ['0.0.0.0/0', ['tcp://1.2.3.4:1', 'tcp://[::ffff:1.2.3.4]:1'], ['tcp://[::1]:1']],
    ['::/0', ['tcp://[2001:db8::1]:1'], ['tcp://1.2.3.4:1', 'tcp://[::ffff:1.2.3.4]:1', 'ws://[::ffff:a00:1]']],
    ['2001:db8::/32', ['tcp://[2001:db8:1::]:1'], ['tcp://[2001:db9::]:1']],
    ['::1', ['tcp://[::1]:1'], ['tcp://[::2]:1']],
    ['[::1]:80', ['tcp://[::1]:80'], ['tcp://[::1]:81']],
    ['example.com:443', ['wss://EXAMPLE.com', 'tcp://example.com:443'], ['ws://example.com', 'tcp://a.example.com:443', 'tcp://badexample.com:443']],
    ['*.example.com', ['tcp://a.b.example.com:1'], ['tcp://example.com:1', 'tcp://badexample.com:1']],
    ['*:80', ['tcp://1.2.3.4:80', 'tcp://any.example:80'], ['tcp://any.example:81', 'unix:///a']],
    ['unix:///run/a.sock', ['unix:///run/a.sock', 'unix:///run/./a.sock', '/unix/%2Frun%2Fa.sock/ws'], ['unix:///run/b.sock', 'tcp://1.2.3.4:1']],
    ['unix:///run/vnc/*', ['unix:///run/vnc/1'], ['unix:///run/vnc/../a', 'unix:///run/vnc/link/../1', '/unix/%2Frun%2Fvnc%2Flink%2F..%2F1/ws', 'unix:///run/vnc/a/b', 'unix:///run/vncx/a']]
  ]

  for (const [rule, allowed, forbidden] of CASES) {
    it(`${rule} allows what it says`, async () => {
      for (const address of allowed) {
        expect(await peer(allow([rule], () => ({ address })), '/'), address).to.be.a('string')
      }

      for (const address of forbidden) {
        expect(await peer(allow([rule], () => ({ address })), '/'), address).to.equal(403)
      }
    })
  }

  it('takes a target that one of the rules allows, and keeps what else is known of it', async () => {
    const resolver = allow(['1.2.3.4', '5.6.7.8'], () => ({ address: 'tcp://5.6.7.8:1', protocol: 'x', framing: 'json' }))

    expect(await resolver(request('/'))).to.deep.include({ protocol: 'x', framing: 'json' })
    expect(await peer(allow([], () => ({ address: 'tcp://5.6.7.8:1' })), '/')).to.equal(403)
  })

  it('sends a client to the address that was checked, not to the name', async () => {
    expect(await peer(allow(['127.0.0.0/8', '::1'], () => ({ address: 'tcp://localhost:7' })), '/')).to.match(/^\/ip(4\/127\.0\.0\.1|6\/::1)\/tcp\/7$/)
    expect(await peer(allow(['127.0.0.0/8', '::1'], () => ({ address: 'wss://localhost:7' })), '/')).to.match(/\/tls\/sni\/localhost\/ws$/)
    expect(await peer(allow(['10.0.0.0/8'], () => ({ address: 'tcp://localhost:7' })), '/')).to.equal(403)
  })

  it('says that a name cannot be resolved', async () => {
    await expect(peer(allow(['10.0.0.0/8'], () => ({ address: 'tcp://nowhere.invalid:7' })), '/')).to.eventually.be.rejected.with.property('stage', 'resolve')
  })

  it('passes on what the resolver refuses', async () => {
    expect(await peer(allow(['*'], () => undefined), '/')).to.equal(undefined)
    expect(await peer(allow(['*'], () => ({ status: 418 })), '/')).to.equal(418)
  })

  it('refuses at the start a rule that is none', () => {
    for (const rule of ['', '10.0.0.0/33', '::/129', '10.0.0.0/8/8', '10.0.0.0/x', 'a b', 'host:0x50', 'host:', '*:9-8', '*:70000', '*:80,', '[::1', 'a/8', '*.']) {
      expect(() => allow([rule], () => undefined), rule).to.throw().with.property('name', 'InvalidParametersError')
    }
  })

  it('lets clients name nothing without rules', () => {
    for (const rules of [[], undefined]) {
      expect(() => requested({ from: 'path', allow: rules as any })).to.throw('give allow').with.property('name', 'InvalidParametersError')
    }
  })

  it('lets clients name what is allowed', async () => {
    const resolver = requested({ from: 'query:target', allow: ['127.0.0.1:5900'] })

    expect(await peer(resolver, '/?target=tcp://127.0.0.1:5900')).to.equal('/ip4/127.0.0.1/tcp/5900')
    expect(await peer(resolver, '/?target=tcp://127.0.0.1:5901')).to.equal(403)
    expect(await peer(resolver, '/?target=127.0.0.1:5900')).to.equal(400)
    expect(await peer(resolver, '/?target=unix:///etc/passwd')).to.equal(403)
    expect(await peer(resolver, '/')).to.equal(undefined)
  })
})
