/** The command `websocksy`: what its users have written down works as it is. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { WebSocket } from 'ws'
import { parseIni, websocksyPlan } from '../../src/cli/websocksy-config.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { freePort, socketPath } from '../server/fixtures.ts'
import { client, exchange, refusal, runningBridge, target } from './bridge-fixtures.ts'
import { file, inProcess } from './fixtures.ts'

const HERE = ['-l', '127.0.0.1', '-p', '0']

describe('websocksy command: command line', () => {
  it('has the defaults of websocksy', () => {
    const { listen, options } = websocksyPlan([])

    expect(listen).to.deep.equal(['/ip6/::/tcp/8001/ws', '/ip4/0.0.0.0/tcp/8001/ws'])
    expect(String(options.target)).to.equal('/dns/localhost/tcp/5900')
    expect(options).to.include({ keepAlive: 30_000, framing: 'auto' })
  })

  it('listens on all addresses, IPv6 and IPv4', async () => {
    const { url } = await target()
    const port = await freePort()
    await runningBridge('websocksy', '-p', String(port), '-c', `host=${url}`)

    for (const host of ['127.0.0.1', '[::1]']) {
      expect(await exchange(await client(`ws://${host}:${port}`), 'hello')).to.deep.equal(['text hello'])
    }
  })

  it('takes the peer in all the ways that it is written', async () => {
    const path = await socketPath()
    const { url, port } = await target()
    await target(undefined, '', { path })

    for (const options of [[`host=${url}`], [`host=127.0.0.1:${port}`], ['host=127.0.0.1', `port=${port}`], ['host=tcp://127.0.0.1', `port=${port}`], [`host=unix://${path}`], [`host=${path}`]]) {
      const bridge = await runningBridge('websocksy', ...HERE, ...options.flatMap(option => ['-c', option]))

      expect(await exchange(await client(bridge.url), 'hello')).to.deep.equal(['text hello'])
    }
  })

  it('knows the peers of IPv6', () => {
    const peer = (...options: string[]): string => String(websocksyPlan(options.map(option => ({ backend: option.split('=')[0], value: option.split('=')[1] }))).options.target)

    expect(peer('host=tcp://[::1]:1')).to.equal('/ip6/::1/tcp/1')
    expect(peer('host=[::1]', 'port=2')).to.equal('/ip6/::1/tcp/2')
    expect(peer('host=[2001:db8::1]')).to.equal('/ip6/2001:db8::1/tcp/5900')
    expect(peer('host=udp://[::1]:3')).to.equal('/ip6/::1/udp/3')
  })

  it('-k pings a silent client, and none with 0', async () => {
    const { url } = await target()
    const bridge = await runningBridge('websocksy', ...HERE, '-k', '1', '-c', `host=${url}`)
    const socket = new WebSocket(bridge.url)
    cleanUp(() => { socket.terminate() })
    await once(socket, 'ping')

    expect(websocksyPlan([{ core: 'ping', value: '0' }]).options.keepAlive).to.equal(0)
  })

  it('-b file finds peers in files, and drops the options that came before it', async () => {
    const { url } = await target()
    const folder = join(await file('room_1', `${url} chat newline lf\n${url} *`), '..')
    const bridge = await runningBridge('websocksy', ...HERE, '-c', 'host=tcp://127.0.0.1:1', '-b', 'file', '-c', `path=${folder}`, '-c', 'expression=%cookie:room%', '-c', 'expression=%endpoint%')

    expect(await client(`${bridge.url}room/1`, ['chat'])).to.have.property('protocol', 'chat')
    expect(await exchange(await client(`${bridge.url}room/1`, ['chat']), 'a\nb\n', 2)).to.deep.equal(['text a\n', 'text b\n'])
    expect(await exchange(await client(`${bridge.url}room/1`, ['other']), 'a\nb\n')).to.deep.equal(['text a\nb\n'])
    expect(await client(bridge.url, [], { headers: { cookie: 'room=room_1' } })).to.have.property('protocol', '')
    expect(await refusal(`${bridge.url}room/2`)).to.equal(404)

    await writeFile(join(folder, 'room_2'), `${url} chat`)
    await client(`${bridge.url}room/2`)
  })

  it('-c framing and framing-config make messages', async () => {
    const { url } = await target()
    const bridge = await runningBridge('websocksy', ...HERE, '-c', `host=${url}`, '-c', 'framing=separator', '-c', 'framing-config=\\x1f')

    expect(await exchange(await client(bridge.url), 'a\x0fb\x1fc\x1f', 2)).to.deep.equal(['binary a\x0fb\x1f', 'binary c\x1f'])
  })

  /** The option `protocol`, what the client offers, and what it is answered; undefined: the client fails. */
  const subprotocols: Array<[string | undefined, string[], string | undefined]> = [
    [undefined, [], ''],
    [undefined, ['a'], undefined],
    ['*', ['b', 'a'], 'b'],
    ['*', [], ''],
    ['mqtt', ['x', 'MqTT'], 'MqTT'],
    ['mqtt', ['x'], undefined],
    ['mqtt', [], '']
  ]

  for (const [protocol, offers, answer] of subprotocols) {
    it(`answers the offer of [${offers.join()}] with ${JSON.stringify(answer ?? 'none')}, protocol=${protocol}`, async () => {
      const { url } = await target()
      const bridge = await runningBridge('websocksy', ...HERE, '-c', `host=${url}`, ...protocol == null ? [] : ['-c', `protocol=${protocol}`])

      if (answer == null) {
        // accepted without one, which a client that offered some must not take (RFC 6455 section 4.1)
        await expect(client(bridge.url, offers)).to.eventually.be.rejected.with.property('message', 'Server sent no subprotocol')
      } else {
        expect(await client(bridge.url, offers)).to.have.property('protocol', answer)
      }
    })
  }
})

describe('websocksy command: configuration file', () => {
  it('is what the one argument names', async () => {
    const { port } = await target()
    const path = await file('websocksy.cfg', `
this line means nothing
[core]
port = 0
listen=127.0.0.1
ping = 10
colour = blue
[backend options]
host = tcp://127.0.0.1
port = ${port}
framing = newline
framing-config = lf
protocol = *
`)
    const bridge = await runningBridge('websocksy', path)

    expect(bridge.url).to.match(/^ws:\/\/127\.0\.0\.1:/)
    expect(await client(bridge.url, ['any'])).to.have.property('protocol', 'any')
    expect(await exchange(await client(bridge.url), 'a\nb\n', 2)).to.deep.equal(['text a\n', 'text b\n'])
  })

  it('is read as websocksy reads it', () => {
    expect(parseIni('port = 1\n[core]\nport=2\n ping = 3 \n;port = 4\nlisten\n[backend]\nexpression = a=b\nexpression = c\n[other]\nx = y\n[core]\nbackend = file\r\n')).to.deep.equal([
      { core: 'port', value: '2' },
      { core: 'ping', value: '3' },
      { backend: 'expression', value: 'a=b' },
      { backend: 'expression', value: 'c' },
      { core: 'backend', value: 'file' }
    ])
  })

  it('is read again at a signal', async () => {
    const [one, two] = [await target(undefined, 'one'), await target(undefined, 'two')]
    const text = (url: string): string => `[core]\nport = 0\nlisten = 127.0.0.1\n[backend]\nhost = ${url}\n`
    const path = await file('websocksy.cfg', text(one.url))
    const bridge = await runningBridge('websocksy', path)
    const early = await client(bridge.url)
    expect(await exchange(early, '')).to.deep.equal(['text one'])

    await writeFile(path, text(two.url))
    bridge.reload()
    await bridge.logged(' info reload')
    expect(await exchange(await client(bridge.url), '')).to.deep.equal(['text two'])
    expect(await exchange(early, 'hello')).to.deep.equal(['text hello'])
  })
})

describe('websocksy command: what websocksy takes at the start and dies of later', () => {
  const cases: Array<[string[], string]> = [
    [['-p'], 'argument missing'],
    [['-x', 'y'], 'has no option -x'],
    [['-p', 'http'], 'port takes a whole number up to 65535, not "http"'],
    [['-k', '-1'], 'ambiguous'],
    [['-l', 'a b'], '"a b" is no host to listen on'],
    [['-b', 'ldap'], 'there is no backend "ldap": use defaultpeer or file'],
    [['-c', 'host'], '-c takes NAME=VALUE, not "host"'],
    [['-c', 'path=/'], 'the backend defaultpeer has no option "path"'],
    [['-b', 'file'], 'needs an expression'],
    [['-b', 'file', '-c', 'expression=%path%'], 'has a variable that is none'],
    [['-c', 'framing=lines'], 'there is no framing "lines"'],
    [['-c', 'framing=separator'], 'needs to be told more'],
    [['-c', 'framing=newline'], 'needs to be told more'],
    [['-c', 'host=fifotx:///run/a'], 'pipes are not supported'],
    [['-c', 'host=unix-dgram:///run/a'], 'Node has no datagram sockets'],
    [['/nope.cfg'], 'the configuration /nope.cfg cannot be read'],
    [['/nope.cfg', '-p', '1'], 'there are no other options']
  ]

  for (const [args, says] of cases) {
    it(`says so in one line and exits with 2: ${args.join(' ')}`, async () => {
      const { code, stderr } = await inProcess(['websocksy', ...args])

      expect(stderr).to.match(/^ws-transport: .*\n$/)
      expect(stderr).to.contain(says)
      expect(code).to.equal(2)
    })
  }
})
