/** The command `bridge`: each option changes what the bridge does. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { serve, socketPath } from '../server/fixtures.ts'
import { client, exchange, refusal, runningBridge, target } from './bridge-fixtures.ts'
import { file, inProcess, start } from './fixtures.ts'

const LISTEN = 'ws://127.0.0.1:0'

describe('bridge command', () => {
  it('prints where it listens, and passes a WebSocket on to TCP', async () => {
    const { url } = await target()
    const bridge = await runningBridge('bridge', LISTEN, url)

    expect(bridge.addresses).to.have.lengthOf(1)
    expect(await exchange(await client(bridge.url), 'hello')).to.deep.equal(['binary hello'])
    expect(await bridge.stop()).to.equal(0)
  })

  it('passes a WebSocket on to a Unix socket, by URL and multiaddr', async () => {
    const path = await socketPath()
    await target(undefined, '', { path })

    for (const address of [`unix://${path}`, `/unix/${encodeURIComponent(path)}`]) {
      const bridge = await runningBridge('bridge', '/ip4/127.0.0.1/tcp/0/ws', address)
      expect(await exchange(await client(bridge.url), 'hello')).to.deep.equal(['binary hello'])
    }
  })

  it('leads from a local port through a WebSocket, and back out', async () => {
    const { url } = await target()
    const far = await runningBridge('bridge', LISTEN, url)
    const near = await runningBridge('bridge', 'tcp://127.0.0.1:0', far.url)
    const socket = connect(Number(near.addresses[0].split('/')[4]), '127.0.0.1')
    cleanUp(() => { socket.destroy() })
    socket.write('there and back')

    expect(String((await once(socket, 'data'))[0])).to.equal('there and back')
  })

  it('--json prints the addresses as JSON, and logs JSON', async () => {
    const { url } = await target()
    const bridge = await runningBridge('bridge', LISTEN, url, '--json')
    const peer = await client(bridge.url)
    peer.close()
    await peer.closed
    await bridge.logged('"close"')

    const logs = bridge.stderr.split('\n').filter(line => line.startsWith('{')).map(line => JSON.parse(line))
    expect(logs.map(({ event }) => event)).to.deep.equal(['listen', 'open', 'close'])
    expect(logs[2]).to.include({ level: 'info', by: 'client', fromClient: 0 }).and.have.keys('time', 'level', 'event', 'id', 'remote', 'by', 'code', 'fromClient', 'fromTarget', 'ms')
  })

  it('--framing makes messages of bytes', async () => {
    const { url } = await target()
    const bridge = await runningBridge('bridge', LISTEN, url, '--framing', 'newline:lf')

    expect(await exchange(await client(bridge.url), 'one\ntwo\xff\n', 2)).to.deep.equal(['text one\n', 'binary two\xff\n'])
  })

  it('--protocol answers what is offered, and refuses the rest', async () => {
    const { url } = await target()
    const one = await runningBridge('bridge', LISTEN, url, '--protocol', 'binary')
    const two = await runningBridge('bridge', LISTEN, url, '--protocol', 'mqtt', '--protocol', 'binary')
    const any = await runningBridge('bridge', LISTEN, url, '--protocol', '*')

    expect(await client(one.url, ['x', 'binary'])).to.have.property('protocol', 'binary')
    expect(await refusal(one.url, ['x'])).to.equal(400)
    expect(await client(two.url, ['binary', 'mqtt'])).to.have.property('protocol', 'mqtt')
    expect(await client(any.url, ['first', 'second'])).to.have.property('protocol', 'first')
    expect(await client(any.url)).to.have.property('protocol', '')
  })

  it('--origin lets in pages of these sites, and what is no page', async () => {
    const { url } = await target()
    const bridge = await runningBridge('bridge', LISTEN, url, '--origin', 'https://a.example', '--origin', 'https://b.example')

    expect(await refusal(bridge.url, [], { origin: 'https://c.example' })).to.equal(403)
    await client(bridge.url, [], { origin: 'https://b.example' })
    await client(bridge.url)
  })

  it('--auth asks who it is: basic, bearer, and both from a file', async () => {
    const { url } = await target()
    const path = await file('auth', '# people\nbasic:alice:pass:word\n\nbearer:abc\n')
    const basic = `Basic ${Buffer.from('alice:pass:word').toString('base64')}`

    for (const auth of [['--auth', 'basic:alice:pass:word', '--auth', 'bearer:abc'], ['--auth', `@${path}`]]) {
      const bridge = await runningBridge('bridge', LISTEN, url, ...auth)

      expect(await refusal(bridge.url)).to.equal(401)
      expect(await refusal(bridge.url, [], { headers: { authorization: 'Bearer abd' } })).to.equal(401)
      await client(bridge.url, [], { headers: { authorization: 'Bearer abc' } })
      await client(bridge.url, [], { headers: { authorization: basic } })
    }
  })

  it('--token and --tokens find the target', async () => {
    const [one, two] = [await target(undefined, 'one'), await target(undefined, 'two')]
    const tokens = await file('tokens', `first: 127.0.0.1:${one.port}\nsecond: ${two.url}\n`)
    const bridge = await runningBridge('bridge', LISTEN, '--token', 'query:token', '--tokens', tokens)

    expect(await exchange(await client(`${bridge.url}?token=first`), '')).to.deep.equal(['binary one'])
    expect(await exchange(await client(`${bridge.url}?token=second`), '')).to.deep.equal(['binary two'])
    expect(await refusal(`${bridge.url}?token=third`)).to.equal(404)

    await writeFile(tokens, `third: ${two.url}\n`)
    expect(await refusal(`${bridge.url}?token=first`)).to.equal(404)
    await client(`${bridge.url}?token=third`)
  })

  it('--files and --expression find the target', async () => {
    const { url } = await target(undefined, 'hi\n')
    const path = await file('peer', `${url} x newline lf`)
    const bridge = await runningBridge('bridge', LISTEN, '--files', join(path, '..'), '--expression', '%cookie:id%', '--expression', '%endpoint%')

    expect(await exchange(await client(`${bridge.url}peer`), '')).to.deep.equal(['text hi\n'])
    expect(await exchange(await client(bridge.url, [], { headers: { cookie: 'id=peer' } }), '')).to.deep.equal(['text hi\n'])
    expect(await refusal(`${bridge.url}other`)).to.equal(404)
  })

  it('--requested dials what the client asks for, as far as --allow allows it', async () => {
    const [one, two] = [await target(), await target()]
    const bridge = await runningBridge('bridge', LISTEN, '--requested', 'query:to', '--allow', `127.0.0.1:${one.port}`)

    expect(await exchange(await client(`${bridge.url}?to=${one.url}`), 'hello')).to.deep.equal(['binary hello'])
    expect(await refusal(`${bridge.url}?to=${two.url}`)).to.equal(403)

    const fixed = await runningBridge('bridge', LISTEN, two.url, '--allow', '10.0.0.0/8')
    expect(await refusal(fixed.url)).to.equal(403)
  })

  it('--header is sent to a WebSocket target, and --ca or --insecure trusts it', async () => {
    const certificate = await createCertificate()
    const { server, requests } = await serve({ https: certificate })
    const wss = server.addresses.map(String).find(address => address.includes('/tls/')) ?? ''
    const ca = await file('ca.pem', certificate.cert)

    for (const trust of [['--ca', ca], ['--insecure']]) {
      const bridge = await runningBridge('bridge', LISTEN, wss, '--header', 'X-One: 1', '--header', 'X-Two: a: b', ...trust)

      expect(await exchange(await client(bridge.url), 'hello')).to.deep.equal(['binary hello'])
      expect(requests.at(-1)?.headers).to.include({ 'x-one': '1', 'x-two': 'a: b' })
    }

    expect(await refusal((await runningBridge('bridge', LISTEN, wss)).url)).to.equal(502)
  })

  it('--proxy-protocol tells the target who the client is', async () => {
    const { url } = await target()
    const bridge = await runningBridge('bridge', LISTEN, url, '--proxy-protocol', '1')
    const { inbox } = await client(bridge.url)
    await inbox.until(({ text }) => text.includes('\r\n'))

    expect(inbox.text).to.match(/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n$/)
  })

  it('--max-sessions, --max-sessions-per-address and --max-message limit', async () => {
    const { url } = await target()
    const few = await runningBridge('bridge', LISTEN, url, '--max-sessions', '1')
    const each = await runningBridge('bridge', LISTEN, url, '--max-sessions-per-address', '1')
    const small = await runningBridge('bridge', LISTEN, url, '--max-message', '1KiB')

    await client(few.url)
    expect(await refusal(few.url)).to.equal(503)
    await client(each.url)
    expect(await refusal(each.url)).to.equal(429)

    const peer = await client(small.url)
    expect(await exchange(peer, 'x'.repeat(1_024))).to.have.lengthOf(1)
    peer.send(Buffer.alloc(1_025))
    expect(await peer.closed).to.have.property('code', 1009)

    const lines = await client((await runningBridge('bridge', LISTEN, url, '--max-message', '1KiB', '--framing', 'newline:lf')).url)
    expect(await exchange(lines, `${'x'.repeat(1_023)}\n`)).to.have.lengthOf(1)
    lines.send('x'.repeat(1_024))
    lines.send('\n')
    expect(await lines.closed).to.have.property('code', 1009)
  })

  it('--keep-alive pings, --timeout gives up, --idle ends', async () => {
    const { url } = await target()
    const pinging = await runningBridge('bridge', LISTEN, url, '--keep-alive', '0.05')
    const { WebSocket } = await import('ws')
    const socket = new WebSocket(pinging.url)
    cleanUp(() => { socket.terminate() })
    await once(socket, 'ping')

    // a WebSocket that is never answered
    const silent = await target(() => {})
    const impatient = await runningBridge('bridge', LISTEN, silent.url.replace('tcp', 'ws'), '--timeout', '0.05')
    expect(await refusal(impatient.url)).to.equal(504)

    const udp = await runningBridge('bridge', LISTEN, 'udp://127.0.0.1:9', '--idle', '0.05')
    expect(await (await client(udp.url)).closed).to.have.property('code', 1000)
  })

  it('--metrics answers a path', async () => {
    const { url } = await target()
    const bridge = await runningBridge('bridge', LISTEN, url, '--metrics', '/metrics')
    const [response] = await once(get(`${bridge.url.replace('ws', 'http')}metrics`), 'response')

    expect(response.statusCode).to.equal(200)
    expect((await response.toArray()).join('')).to.contain('# TYPE')
  })

  it('--key and --cert listen with TLS', async () => {
    const { url } = await target()
    const { key, cert } = await createCertificate()
    const bridge = await runningBridge('bridge', 'wss://127.0.0.1:0', url, '--key', await file('key.pem', key), '--cert', await file('cert.pem', cert))

    expect(bridge.url).to.match(/^wss:/)
    expect(await exchange(await client(bridge.url, [], { ca: cert }), 'hello')).to.deep.equal(['binary hello'])
  })

  it('--log says how much is logged', async () => {
    const { url } = await target()
    const quiet = await runningBridge('bridge', LISTEN, url, '--log', 'error')
    const normal = await runningBridge('bridge', LISTEN, url)

    for (const bridge of [quiet, normal]) {
      const peer = await client(bridge.url)
      await exchange(peer, 'hello')
      peer.close()
      await peer.closed
    }

    await normal.logged(' close ')
    expect(quiet.stderr).to.equal('listening, stop with Ctrl-C\n')
    expect(normal.stderr).to.match(/ info listen addresses=.*\n.*\n.* info open id=1 remote=127\.0\.0\.1:\d+ target=\S+\n.* info close id=1 .*fromClient=5 fromTarget=5/)
  })
})

describe('bridge command: configuration', () => {
  it('takes everything from JSON, and options over it', async () => {
    const { url } = await target()
    const config = await file('bridge.json', JSON.stringify({
      listen: LISTEN, target: url, framing: 'newline:lf', protocol: ['a', 'b'], origins: ['https://a.example'], auth: { bearer: ['abc'] }, maxMessage: 100, dial: { handshakeTimeout: 1_000 }
    }))
    const headers = { authorization: 'Bearer abc' }
    const bridge = await runningBridge('bridge', '--config', config)
    const over = await runningBridge('bridge', '--config', config, '--framing', 'separator:;', '--protocol', 'c')

    expect(await refusal(bridge.url, ['a'])).to.equal(401)
    expect(await refusal(bridge.url, ['a'], { headers, origin: 'https://b.example' })).to.equal(403)
    expect(await refusal(bridge.url, ['c'], { headers })).to.equal(400)
    expect(await exchange(await client(bridge.url, ['b'], { headers }), 'x\ny\n', 2)).to.deep.equal(['text x\n', 'text y\n'])
    expect(await exchange(await client(over.url, ['c'], { headers }), 'x;y;', 2)).to.deep.equal(['binary x;', 'binary y;'])
  })

  it('takes resolvers from JSON', async () => {
    const { url } = await target()
    const tokens = await runningBridge('bridge', '--config', await file('a.json', JSON.stringify({ listen: LISTEN, token: { from: 'path', tokens: { one: { address: url, framing: 'json' } } }, allow: ['127.0.0.1'] })))
    const files = await runningBridge('bridge', '--config', await file('b.json', JSON.stringify({ listen: [LISTEN], file: { path: join(await file('peer', `${url} x`), '..'), expressions: ['%endpoint%'] } })))
    const requested = await runningBridge('bridge', '--config', await file('c.json', JSON.stringify({ listen: LISTEN, requested: { from: 'query:to' }, allow: ['127.0.0.1'] })))

    expect(await exchange(await client(`${tokens.url}one`), '{}')).to.deep.equal(['text {}'])
    expect(await exchange(await client(`${files.url}peer`), '{}')).to.deep.equal(['binary {}'])
    expect(await exchange(await client(`${requested.url}?to=${url}`), '{}')).to.deep.equal(['binary {}'])
  })

  it('takes a module with a resolver and a framing of the user', async () => {
    const { url } = await target()
    const config = await file('bridge.mjs', `
      export default {
        listen: '${LISTEN}',
        resolve: ({ path, query }) => path === '/there' ? { address: query.get('to') } : path === '/secret' ? { status: 403 } : undefined,
        framing: async function * (source) {
          for await (const data of source) {
            yield { data: Buffer.from(data.toString().toUpperCase()), text: true }
          }
        }
      }
    `)
    const bridge = await runningBridge('bridge', '--config', config)

    expect(await exchange(await client(`${bridge.url}there?to=${url}`), 'hello')).to.deep.equal(['text HELLO'])
    expect(await refusal(`${bridge.url}secret`)).to.equal(403)
    expect(await refusal(bridge.url)).to.equal(404)
  })

  it('listens on several addresses', async () => {
    const { url } = await target()
    const { addresses } = await runningBridge('bridge', '--config', await file('a.json', JSON.stringify({ listen: [LISTEN, 'tcp://127.0.0.1:0'], target: url })))

    expect(addresses.map(address => address.endsWith('/ws'))).to.deep.equal([true, false])
  })

  it('is read again at a signal: what comes next follows it, open sessions stay', async () => {
    const [one, two] = [await target(undefined, 'one'), await target(undefined, 'two')]
    const certificates = [await createCertificate(), await createCertificate()]
    const [key, cert] = [await file('key.pem', certificates[0].key), await file('cert.pem', certificates[0].cert)]
    const config = await file('bridge.json', JSON.stringify({ listen: 'wss://127.0.0.1:0', target: one.url, tls: { key, cert } }))
    const bridge = await runningBridge('bridge', '--config', config)
    const early = await client(bridge.url, [], { ca: certificates[0].cert })
    expect(await exchange(early, '')).to.deep.equal(['binary one'])

    await writeFile(config, '{ "listen": "wss://127.0.0.1:0", "target": "nowhere" }')
    bridge.reload()
    await bridge.logged(' error reload ')
    expect(await exchange(await client(bridge.url, [], { ca: certificates[0].cert }), '')).to.deep.equal(['binary one'])

    await writeFile(config, JSON.stringify({ listen: 'wss://127.0.0.1:0', target: two.url, tls: { key, cert } }))
    await writeFile(key, certificates[1].key)
    await writeFile(cert, certificates[1].cert)
    bridge.reload()
    await bridge.logged(' info reload')
    expect(await exchange(await client(bridge.url, [], { ca: certificates[1].cert }), '')).to.deep.equal(['binary two'])
    expect(await exchange(early, 'still here')).to.deep.equal(['binary still here'])
  })
})

describe('bridge command: signals', () => {
  it('SIGHUP reloads, SIGTERM drains: clients get 1001, the program ends with 0', async function () {
    this.timeout(20_000)

    const [one, two] = [await target(undefined, 'one'), await target(undefined, 'two')]
    const config = await file('bridge.json', JSON.stringify({ listen: LISTEN, target: one.url }))
    const program = start(['bridge', '--config', config])
    const port = /\/tcp\/(\d+)\//.exec(await program.line())?.[1]
    const early = await client(`ws://127.0.0.1:${port}`)
    expect(await exchange(early, '')).to.deep.equal(['binary one'])

    await writeFile(config, JSON.stringify({ listen: LISTEN, target: two.url }))
    program.kill('SIGHUP')
    await program.logged(' info reload')
    expect(await exchange(await client(`ws://127.0.0.1:${port}`), '')).to.deep.equal(['binary two'])
    expect(await exchange(early, 'hello')).to.deep.equal(['binary hello'])

    program.kill('SIGTERM')
    expect(await early.closed).to.have.property('code', 1001)
    expect(await program.result).to.include({ code: 0 })
  })
})

describe('bridge command: wrong usage', () => {
  const TARGET = 'tcp://127.0.0.1:1'
  const cases: Array<[string[], string]> = [
    [[], 'an address to listen on is missing'],
    [[LISTEN], 'a target is missing'],
    [[LISTEN, TARGET, 'more'], '"more" is one argument too many'],
    [['localhost:1', TARGET], 'not an address of a bridge'],
    [[LISTEN, 'localhost:1'], 'not an address of a bridge'],
    [[LISTEN, 'unix-dgram:///run/a.sock'], 'Node has no datagram sockets in the Unix domain'],
    [[LISTEN, TARGET, '--framing', 'lines'], 'there is no framing "lines"'],
    [[LISTEN, TARGET, '--framng', 'json'], 'did you mean --framing?'],
    [[LISTEN, TARGET, '--token', 'path'], '--token and --tokens belong together'],
    [[LISTEN, TARGET, '--token', 'path', '--tokens', 'x'], 'target and token both name a target'],
    [[LISTEN, '--token', 'body', '--tokens', 'x'], 'write path, query:NAME, header:NAME or cookie:NAME'],
    [[LISTEN, '--files', '/'], '--files and --expression belong together'],
    [[LISTEN, '--files', '/', '--expression', '%x%'], '"%x%" has a variable that is none'],
    [[LISTEN, TARGET, '--allow', 'a/b'], '"a/b" is no rule for targets'],
    [[LISTEN, '--requested', 'path'], 'give allow'],
    [['tcp://127.0.0.1:0', TARGET, '--auth', 'bearer:secret'], 'the option auth is for a bridge that listens for WebSockets'],
    [[LISTEN, TARGET, '--auth', 'secret'], '--auth takes basic:NAME:PASSWORD, bearer:TOKEN, or @FILE'],
    [[LISTEN, TARGET, '--auth', '@/nope'], '--auth cannot read /nope'],
    [[LISTEN, TARGET, '--header', 'nothing'], '--header takes "Name: value", not "nothing"'],
    [[LISTEN, TARGET, '--proxy-protocol', '3'], 'there is no PROXY protocol version 3'],
    [[LISTEN, TARGET, '--max-sessions', '0'], '--max-sessions takes a whole number from 1 on'],
    [[LISTEN, TARGET, '--timeout', 'soon'], '--timeout takes a number of seconds'],
    [[LISTEN, TARGET, '--log', 'all'], '--log takes one of debug, info, warn, error, not "all"'],
    [[LISTEN, TARGET, '--key', 'a'], '--key and --cert belong together'],
    [[LISTEN, TARGET, '--key', '/nope', '--cert', '/nope'], 'the PEM file /nope cannot be read'],
    [['--config', '/nope.json'], 'the configuration /nope.json cannot be read'],
    [['--config', '/nope.mjs'], 'the configuration /nope.mjs cannot be read']
  ]

  for (const [args, says] of cases) {
    it(`says so in one line and exits with 2: ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await inProcess(['bridge', ...args])

      expect(stderr).to.match(/^ws-transport: .*\n$/)
      expect(stderr).to.contain(says)
      expect(code).to.equal(2)
      expect(stdout).to.equal('')
      expect(stderr).to.not.contain('secret')
    })
  }

  it('says what is wrong in a configuration', async () => {
    for (const [text, says] of [['[]', 'must be an object'], ['{ "traget": "x" }', 'has no option "traget", did you mean target?'], ['{ "target": 5 }', '"target" in the configuration'], ['{ "listen": [1] }', 'must be text or texts'], ['{', 'cannot be read']]) {
      const { code, stderr } = await inProcess(['bridge', '--config', await file('bridge.json', text)])

      expect(stderr).to.contain(says)
      expect(code).to.equal(2)
    }
  })

  it('exits with 1 where it cannot listen, and leaves nothing open', async () => {
    const { url, port } = await target()
    const config = await file('bridge.json', JSON.stringify({ listen: [LISTEN, `tcp://127.0.0.1:${port}`], target: url }))

    expect(await inProcess(['bridge', '--config', config])).to.include({ code: 1 }).with.property('stderr').that.contains('another socket has it')
  })
})
