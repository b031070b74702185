import { chmod, readFile, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { createKey } from '../../src/bridge/tunnel/index.ts'
import { closing, readAll, tcpTarget } from '../bridge/tunnel/fixtures.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { tcpPeer } from '../fixtures/peers.ts'
import { temporaryFolder } from '../fixtures/puppeteer.ts'
import { until } from '../fixtures/until.ts'
import { inProcess, program, start } from './fixtures.ts'
import type { Program } from './fixtures.ts'

const LOCAL = '/ip4/127.0.0.1/tcp/0/ws'
const PEER = '12D3KooWDYCLyWdMRBFyNAWhxSGAVQdvPWt2LnMNzwbU1YJSg4rD'

let folder: string

beforeEach(async () => {
  folder = await temporaryFolder()
})

/** A key in a file, and its peer id. */
async function newKey (name: string): Promise<{ file: string, peer: string }> {
  const file = join(folder, name)

  return { file, peer: `${(await createKey(file)).publicKey}` }
}

async function echoed (address: string, text: string): Promise<string> {
  const socket = connect(Number(/\/tcp\/(\d+)$/.exec(address)?.[1]), '127.0.0.1')
  cleanUp(() => { socket.destroy() })
  socket.end(text)

  return `${await readAll(socket)}`
}

describe('key', () => {
  it('makes a key for the user where there is none, and from then on shows it', async () => {
    const env = { HOME: folder }
    const path = join(folder, '.config/ws-transport/key')
    const made = await inProcess(['key'], { env })
    const shown = await inProcess(['key'], { env })

    expect(made.code, made.stderr).to.equal(0)
    expect(made.stdout).to.match(/^12D3KooW\w{44}\n$/)
    expect(made.stderr).to.equal(`made ${path}\n`)
    expect(shown).to.deep.equal({ code: 0, stdout: made.stdout, stderr: `read ${path}\n` })
    expect((await stat(path)).mode & 0o777).to.equal(0o600)
  })

  it('keeps it where XDG_CONFIG_HOME says, or in the file that it is given', async () => {
    const config = join(folder, 'config')
    await inProcess(['key'], { env: { HOME: '/nowhere', XDG_CONFIG_HOME: config } })
    const file = join(folder, 'mine')
    const { stdout } = await program('key', file, '--json')

    expect((await stat(join(config, 'ws-transport/key'))).isFile()).to.equal(true)
    expect(JSON.parse(stdout)).to.include({ file, made: true })
  })

  it('refuses one that others can read, and leaves it as it is', async () => {
    const { file } = await newKey('key')
    await chmod(file, 0o644)
    const before = await readFile(file)
    const { code, stdout, stderr } = await inProcess(['key', file])

    expect([code, stdout]).to.deep.equal([2, ''])
    expect(stderr).to.contain('others can read').and.contain(`chmod 600 ${file}`)
    expect((await readFile(file)).equals(before)).to.equal(true)
  })

  it('needs a file where nothing says where it is', async () => {
    expect(await inProcess(['key'])).to.include({ code: 2 }).and.property('stderr').contain('HOME')
  })
})

describe('tunnel', () => {
  /** `tunnel expose` of a target that sends back what it gets. */
  async function exposing (allow: string, ...more: string[]): Promise<{ expose: Program, address: string }> {
    const { file } = await newKey('server')
    const { url } = await tcpTarget()
    const expose = start(['tunnel', 'expose', url, '--key', file, '--allow', allow, ...more])

    return { expose, address: await expose.line() }
  }

  it('exposes and connects, each in a process of its own, until a signal stops them', async () => {
    const key = await newKey('laptop')
    const { expose, address } = await exposing(key.peer, '--listen', LOCAL)
    const connecting = start(['tunnel', 'connect', address, '--local', 'tcp://127.0.0.1:0', '--key', key.file])

    expect(await echoed(await connecting.line(), 'hello')).to.equal('hello')
    for (const end of [connecting, expose]) {
      end.kill('SIGTERM')
      expect((await end.result).code).to.equal(0)
    }
    expect(connecting.stderr).to.contain('connected to 12D3KooW').and.contain('listening')
  })

  it('goes through a relay', async () => {
    const key = await newKey('laptop')
    const server = await newKey('reached')
    const { url } = await tcpTarget()
    const relay = start(['tunnel', 'relay', LOCAL, '--key', (await newKey('relay')).file, '--allow', server.peer])
    const via = await relay.line()
    const expose = start(['tunnel', 'expose', url, '--via', via, '--key', server.file, '--allow', key.peer])
    const address = await expose.line()
    const connecting = start(['tunnel', 'connect', address, '--local', 'tcp://127.0.0.1:0', '--key', key.file])

    expect(address).to.equal(`${via}/p2p-circuit/p2p/${server.peer}`)
    expect(await echoed(await connecting.line(), 'hello')).to.equal('hello')
  })

  it('tells both sides who was refused, with exit code 3', async () => {
    const stranger = await newKey('stranger')
    const { expose, address } = await exposing(PEER, '--listen', LOCAL)
    const { code, stdout, stderr } = await program('tunnel', 'connect', address, '--local', 'tcp://127.0.0.1:0', '--key', stranger.file)

    expect([code, stdout]).to.deep.equal([3, ''])
    expect(stderr).to.contain('has refused us')
    await until(() => expose.stderr.includes(`refused ${stranger.peer}`))
  })

  it('tells who is not the peer of the address, with exit code 3', async () => {
    const key = await newKey('laptop')
    const { address } = await exposing(key.peer, '--listen', LOCAL)
    const { code, stderr } = await inProcess(['tunnel', 'connect', address.replace(/\w+$/, PEER), '--local', 'tcp://127.0.0.1:0', '--key', key.file])

    expect(code).to.equal(3)
    expect(stderr).to.contain('noise failed').and.contain('the one that the /p2p part of the address names')
  })

  it('tells where nothing listens, with exit code 3', async () => {
    const key = await newKey('laptop')
    const { expose, address } = await exposing(key.peer, '--listen', LOCAL)
    expose.kill('SIGTERM')
    await expose.result
    const { code, stderr } = await inProcess(['tunnel', 'connect', address, '--local', 'tcp://127.0.0.1:0', '--key', key.file])

    expect(code).to.equal(3)
    expect(stderr).to.contain('ECONNREFUSED')
  })

  it('goes on where the first connection fails with --background', async () => {
    const key = await newKey('laptop')
    const { expose, address } = await exposing(key.peer, '--listen', LOCAL)
    expose.kill('SIGTERM')
    await expose.result
    const connecting = start(['tunnel', 'connect', address, '--local', 'tcp://127.0.0.1:0', '--key', key.file, '--background', '--wait', '0.1', '--reconnect-max', '0.1'])
    const local = await connecting.line()
    const socket = connect(Number(/\d+$/.exec(local)?.[0]), '127.0.0.1')
    socket.on('error', () => {})

    expect(await closing(socket.resume())).to.equal(true)
    await until(() => connecting.stderr.includes('trying again') && connecting.stderr.includes('was refused'))
  })

  it('ends idle sessions with --idle, and refuses what is over --max-streams', async () => {
    const key = await newKey('laptop')
    const { address } = await exposing(key.peer, '--listen', LOCAL)
    const connecting = start(['tunnel', 'connect', address, '--local', 'tcp://127.0.0.1:0', '--key', key.file, '--idle', '1', '--max-streams', '1'])
    const port = Number(/\d+$/.exec(await connecting.line())?.[0])
    const [idle, second] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
    const closed = [idle, second].map(async socket => {
      socket.on('error', () => {})
      return closing(socket.resume())
    })
    await Promise.all(closed)

    await until(() => connecting.stderr.includes('nothing moved') && connecting.stderr.includes('was refused'))
  })

  for (const [what, args, says] of [
    ['nobody is allowed', ['expose', 'tcp://127.0.0.1:1', '--listen', LOCAL], 'nobody is allowed'],
    ['it is not a peer id', ['expose', 'tcp://127.0.0.1:1', '--listen', LOCAL, '--allow', 'me'], '"me" is not a peer id'],
    ['nobody could reach it', ['expose', 'tcp://127.0.0.1:1', '--allow', PEER], 'an address to listen on, or a relay'],
    ['the target is none', ['expose', 'localhost', '--listen', LOCAL, '--allow', PEER], 'localhost'],
    ['the relay has no name', ['expose', 'tcp://127.0.0.1:1', '--via', LOCAL.replace('/0/', '/1/'), '--allow', PEER], '/p2p/ID'],
    ['the local end is missing', ['connect', `/ip4/127.0.0.1/tcp/1/ws/p2p/${PEER}`], '--local'],
    ['the peer is missing', ['connect', '/ip4/127.0.0.1/tcp/1/ws', '--local', 'tcp://127.0.0.1:0'], '/p2p/ID'],
    ['there is no key', ['relay', LOCAL, '--allow', PEER], 'make one with "ws-transport key'],
    ['nobody may be reached', ['relay', LOCAL], 'nobody is allowed'],
    ['the second word is missing', [], 'expose, connect, relay']
  ] as Array<[string, string[], string]>) {
    it(`exits with 2 where ${what}`, async () => { await expectUsageError(args, says) })
  }

  async function expectUsageError (args: string[], says: string): Promise<void> {
    const { code, stdout, stderr } = await inProcess(['tunnel', ...args], { env: { HOME: folder } })

    expect([code, stdout]).to.deep.equal([2, ''])
    expect(stderr).to.match(/^ws-transport: .*\n$/)
    expect(stderr).to.contain(says)
  }

  it('exits with 1 where the address is taken', async () => {
    const { address } = await tcpPeer()
    const { file } = await newKey('key')
    const { code, stderr } = await inProcess(['tunnel', 'expose', 'tcp://127.0.0.1:1', '--listen', `${address}`, '--allow', PEER, '--key', file])

    expect(code).to.equal(1)
    expect(stderr).to.contain(`${address}`)
  })

  it('explains itself, as a whole and each part', async () => {
    const whole = await inProcess(['tunnel', '--help'])
    const part = await inProcess(['tunnel', 'connect', '--help'])

    expect([whole.code, part.code]).to.deep.equal([0, 0])
    expect(whole.stdout).to.contain('tunnel expose:').and.contain('tunnel connect:').and.contain('tunnel relay:')
    expect(part.stdout).to.contain('ws-transport tunnel connect <multiaddr/p2p/ID> --local ADDRESS')
    expect((await inProcess(['help', 'tunnel', 'connect'])).stdout).to.equal(part.stdout)
    expect((await inProcess(['help', 'tunnel'])).stdout).to.equal(whole.stdout)
    expect((await inProcess(['--help'])).stdout).to.contain('tunnel expose')
  })
})
