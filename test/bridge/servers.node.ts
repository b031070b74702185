/** The bridge in front of real servers, with their own clients behind it. */
import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'aegir/chai'
import { cleanUp } from '../fixtures/clean-up.ts'
import { delay } from '../fixtures/delay.ts'
import { skip } from '../fixtures/skip.ts'
import { freePort, portOf, refusesTcp } from '../server/fixtures.ts'
import { openClient, startBridge, startTarget, urlOf } from './fixtures.ts'
import type { Context } from 'mocha'

const run = promisify(execFile)

/** Start a server until the end of the test; with `CI=true` it has to be there. */
function start (test: Context, command: string, args: string[]): void {
  need(test, command)
  const child = spawn(command, args, { stdio: 'ignore' })
  cleanUp(async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
}

function need (test: Context, command: string): void {
  if (spawnSync('which', [command]).status !== 0) {
    if (process.env.CI === 'true') {
      throw new Error(`${command} is not installed`)
    }

    skip(test, `${command} is not installed`)
  }
}

async function folder (): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'bridge-'))
  cleanUp(async () => rm(path, { recursive: true }))

  return path
}

async function listening (port: number): Promise<void> {
  while (await refusesTcp(port)) {
    await delay(10)
  }
}

async function startRedis (test: Context): Promise<{ port: number, path: string }> {
  const port = await freePort()
  const dir = await folder()
  const path = join(dir, 'redis.sock')
  start(test, 'redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--unixsocket', path, '--save', '', '--dir', dir])
  await listening(port)

  return { port, path }
}

describe('bridge to real servers', function () {
  this.timeout(20_000)

  it('Redis over TCP, as messages of lines', async function () {
    const { port } = await startRedis(this)
    const bridge = await startBridge('/ip4/127.0.0.1/tcp/0/ws', { target: `tcp://127.0.0.1:${port}`, framing: 'newline:crlf' })
    const { socket, inbox } = await openClient(urlOf(bridge))
    socket.send('SET key värde\r\nGET key\r\n')
    await inbox.until(({ messages }) => messages.length === 3)
    expect(inbox.messages.map(({ data, text }) => [Buffer.from(data).toString(), text])).to.deep.equal([
      ['+OK\r\n', true], ['$6\r\n', true], ['värde\r\n', true]
    ])
  })

  it('Redis on a Unix socket, closed by QUIT', async function () {
    const { path } = await startRedis(this)
    const bridge = await startBridge('/ip4/127.0.0.1/tcp/0/ws', { target: `unix://${path}` })
    const { socket, inbox, closed } = await openClient(urlOf(bridge))
    socket.send('PING\r\nQUIT\r\n')
    expect(await closed).to.include({ code: 1000 })
    expect(inbox.text).to.equal('+PONG\r\n+OK\r\n')
  })

  it('redis-cli through two bridges, TCP to WebSocket to TCP', async function () {
    need(this, 'redis-cli')
    const { port } = await startRedis(this)
    const inner = await startBridge('/ip4/127.0.0.1/tcp/0/ws', { target: `tcp://127.0.0.1:${port}` })
    const outer = await startBridge('tcp://127.0.0.1:0', { target: urlOf(inner) })
    const { stdout } = await run('redis-cli', ['-p', `${portOf(outer.addresses[0])}`, 'ECHO', 'through'])
    expect(stdout).to.equal('through\n')
  })

  it('dig to dnsmasq through two bridges, UDP to WebSocket to UDP', async function () {
    need(this, 'dig')
    const port = await freePort()
    start(this, 'dnsmasq', ['--keep-in-foreground', '--no-resolv', '--no-hosts', '--bind-interfaces', '--listen-address=127.0.0.1', `--port=${port}`, '--address=/bridge.test/192.0.2.7', '--conf-file=/dev/null', '--pid-file='])
    await listening(port)
    const inner = await startBridge('/ip4/127.0.0.1/tcp/0/ws', { target: `udp://127.0.0.1:${port}` })
    const outer = await startBridge('udp://127.0.0.1:0', { target: urlOf(inner) })
    const udp = outer.addresses[0].getComponents().find(({ name }) => name === 'udp')?.value ?? ''
    const { stdout } = await run('dig', ['@127.0.0.1', '-p', udp, '+short', '+tries=1', 'bridge.test'])
    expect(stdout).to.equal('192.0.2.7\n')
  })

  it('socat as an echo', async function () {
    const port = await freePort()
    start(this, 'socat', [`TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork`, 'EXEC:cat'])
    await listening(port)
    const bridge = await startBridge('/ip4/127.0.0.1/tcp/0/ws', { target: `tcp://127.0.0.1:${port}` })
    const { socket, inbox } = await openClient(urlOf(bridge))
    socket.send('hello')
    expect((await inbox.until(({ size }) => size === 5)).text).to.equal('hello')
  })

  it('metrics that Prometheus reads, behind the authentication', async function () {
    const { url } = await startTarget()
    const bridge = await startBridge('/ip4/127.0.0.1/tcp/0/ws', { target: url, metricsPath: '/metrics', auth: { bearer: ['secret'] } })
    await openClient(urlOf(bridge), [], { headers: { Authorization: 'Bearer secret' } })
    const http = urlOf(bridge, '/metrics').replace('ws:', 'http:')
    expect((await fetch(http)).status).to.equal(401)
    const answer = await fetch(http, { headers: { Authorization: 'Bearer secret' } })
    const text = await answer.text()
    expect(answer.headers.get('content-type')).to.match(/^text\/plain; version=0\.0\.4/)
    expect(text).to.match(/^bridge_sessions 1$/m)

    need(this, 'promtool')
    const { stdout, stderr, status } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
    expect({ stdout, stderr, status }).to.deep.equal({ stdout: '', stderr: '', status: 0 })
  })
})
