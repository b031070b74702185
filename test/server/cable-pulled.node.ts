/** Peers whose packets are lost from one moment on, in a network of their own. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'aegir/chai'
import { cleanUp } from '../fixtures/clean-up.ts'
import { skip } from '../fixtures/skip.ts'
import { serve } from './fixtures.ts'
import type { Served } from './fixtures.ts'
import type { Context } from 'mocha'

/** Of the network for tests of devices (RFC 2544). */
const HERE = '198.18.77.1'
const THERE = '198.18.77.2'
const NAMESPACE = `ws-${process.pid}`
const [NEAR, FAR] = [`wsn${process.pid}`, `wsf${process.pid}`]

function run (...[command, ...args]: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

function inside (...command: string[]): void {
  run('ip', 'netns', 'exec', NAMESPACE, ...command)
}

/** Whether this process may make all that a network is of. */
function isAllowed (): boolean {
  const steps = [
    ['ip', 'netns', 'add', NAMESPACE],
    ['ip', 'link', 'add', NEAR, 'type', 'veth', 'peer', 'name', FAR],
    ['ip', 'netns', 'exec', NAMESPACE, 'iptables', '-A', 'INPUT', '-j', 'DROP']
  ]
  const allowed = steps.every(([command, ...args]) => spawnSync(command, args).status === 0)

  spawnSync('ip', ['link', 'del', NEAR])
  spawnSync('ip', ['netns', 'del', NAMESPACE])

  return allowed
}

/** A network with one cable to here. */
function createNetwork (test: Context): void {
  const missing = ['ip', 'iptables'].find(command => spawnSync(command, ['-V']).error != null)

  if (missing != null && process.env.CI === 'true') {
    throw new Error(`CI needs ${missing} to pull cables: see .ci/packages.txt`)
  }

  // what is installed may still lack the rights: in containers it mostly does
  if (missing != null || !isAllowed()) {
    skip(test, missing == null ? 'network namespaces and their packet filters need root, and a kernel that lets it make them' : `there is no ${missing}`)
  }

  run('ip', 'netns', 'add', NAMESPACE)
  cleanUp(() => { run('ip', 'netns', 'del', NAMESPACE) })
  run('ip', 'link', 'add', NEAR, 'type', 'veth', 'peer', 'name', FAR)
  cleanUp(() => { run('ip', 'link', 'del', NEAR) })
  run('ip', 'link', 'set', FAR, 'netns', NAMESPACE)
  run('ip', 'addr', 'add', `${HERE}/30`, 'dev', NEAR)
  run('ip', 'link', 'set', NEAR, 'up')
  inside('ip', 'addr', 'add', `${THERE}/30`, 'dev', FAR)
  inside('ip', 'link', 'set', FAR, 'up')
}

/** From now on no packet passes, and nobody is told. */
function pullCable (): void {
  inside('iptables', '-A', 'INPUT', '-j', 'DROP')
  inside('iptables', '-A', 'OUTPUT', '-j', 'DROP')
}

/** A dialler in the other network; the lines that it says. */
async function dialThere ({ server }: Served): Promise<AsyncIterator<string>> {
  const child = spawn('ip', ['netns', 'exec', NAMESPACE, process.execPath, fileURLToPath(new URL('./dial-process.ts', import.meta.url)), server.addresses[0].toString()], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, NODE_NO_WARNINGS: '1' } })
  const exited = once(child, 'exit')
  cleanUp(async () => {
    child.kill()
    await exited
  })

  return createInterface(child.stdout)[Symbol.asyncIterator]()
}

describe('a peer whose cable is pulled', function () {
  this.timeout(20_000)

  for (const [name, bytes] of [['idle', 0], ['sent to', 8_000_000]] as const) {
    it(`while it is ${name}, is gone on both sides within the bound of the keep-alive`, async function () {
      createNetwork(this)
      const served = await serve({ keepAlive: 500, keepAliveTimeout: 1_500 }, `/ip4/${HERE}/tcp/0/ws`)
      const said = await dialThere(served)
      expect((await said.next()).value).to.equal('open')
      const channel = await served.accepted()
      expect(channel.remote.host).to.equal(THERE)

      pullCable()

      if (bytes > 0) {
        channel.send(new Uint8Array(bytes))
      }

      expect((await channel.closed).error).to.have.property('name', 'TimeoutError')
      expect((await said.next()).value).to.equal('TimeoutError')
      expect(served.server.channels).to.equal(0)
    })
  }

  it('does not hold a close', async function () {
    createNetwork(this)
    const served = await serve({ closeTimeout: 200 }, `/ip4/${HERE}/tcp/0/ws`)
    await dialThere(served)
    const channel = await served.accepted()
    pullCable()
    await served.server.close()

    expect(await channel.closed).to.have.property('wasClean', false)
  })
})
