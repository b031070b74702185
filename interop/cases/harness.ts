/** Our program for the official harnesses, in both dialects, started as they start it, with a redis and without containers. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createClient } from '@redis/client'
import { expect } from 'aegir/chai'
import { cleanUp } from '../../test/fixtures/clean-up.ts'
import { delay } from '../../test/fixtures/delay.ts'
import { freePort } from '../../test/server/fixtures.ts'
import { PLAIN, startPeer } from '../meeting.ts'
import { accepting } from '../ports.ts'
import { requireTool } from '../tools.ts'
import type { Program } from '../build.ts'
import type { Redis } from '../harness/dialects.ts'

const HARNESS = join(import.meta.dirname, '../harness/harness.ts')
const REDIS = 'redis-server'
/** Between two looks at a key, ms. */
const POLL = 20

interface Run {
  env (role: 'listener' | 'dialer', transport: string): Record<string, string>
  /** As a peer in another language does it. */
  publish (address: string): Promise<unknown>
  find (): Promise<string | undefined>
  figures: RegExp
}

const DIALECTS: Record<string, (redis: RedisServer) => Run> = {
  'transport-interop': ({ client, port }) => ({
    env: (role, transport) => ({
      transport,
      muxer: 'yamux',
      security: 'noise',
      is_dialer: `${role === 'dialer'}`,
      ip: '127.0.0.1',
      redis_addr: `127.0.0.1:${port}`,
      test_timeout_seconds: '20'
    }),
    publish: async (address) => client.rPush('listenerAddr', address),
    find: async () => (await client.blPop('listenerAddr', 20))?.element,
    figures: /^\{"handshakePlusOneRTTMillis":\d+(\.\d+)?,"pingRTTMilllis":\d+(\.\d+)?\}\n$/
  }),
  'unified-testing': ({ client, port }) => {
    const key = randomBytes(4).toString('hex')

    return {
      env: (role, transport) => ({
        TRANSPORT: transport,
        MUXER: 'yamux',
        SECURE_CHANNEL: 'noise',
        IS_DIALER: `${role === 'dialer'}`,
        LISTENER_IP: '127.0.0.1',
        REDIS_ADDR: `127.0.0.1:${port}`,
        TEST_KEY: key,
        DEBUG: ''
      }),
      publish: async (address) => client.set(`${key}_listener_multiaddr`, address),
      find: async () => {
        let address: string | null

        while ((address = await client.get(`${key}_listener_multiaddr`)) == null) {
          await delay(POLL)
        }

        return address
      },
      figures: /^latency:\n {2}handshake_plus_one_rtt: \d+(\.\d+)?\n {2}ping_rtt: \d+(\.\d+)?\n {2}unit: ms\n$/
    }
  }
}

/** @param programs - to be dialled by it, and to dial it */
export function harness (programs: Program[]): void {
  for (const [name, dialect] of Object.entries(DIALECTS)) {
    describe(name, () => {
      for (const transport of ['ws', 'wss']) {
        it(`${transport}, both sides ours`, async function () {
          const run = dialect(await startRedis(this))

          start(run.env('listener', transport))
          expect(await output(start(run.env('dialer', transport)))).to.match(run.figures)
        })
      }

      for (const program of programs) {
        it(`dials ${program.name}`, async function () {
          const run = dialect(await startRedis(this))
          const peer = await startPeer(program, { listen: [PLAIN.listen] })
          const dialer = start(run.env('dialer', 'ws'))

          await run.publish(peer.addresses[0])
          expect(await output(dialer)).to.match(run.figures)
        })

        it(`is dialled by ${program.name}`, async function () {
          const run = dialect(await startRedis(this))
          const peer = await startPeer(program)

          start(run.env('listener', 'ws'))
          await peer.ask('dial', await run.find() ?? '')
          await peer.ask('ping')
        })
      }
    })
  }

  it('refuses what it does not have, and says so', async () => {
    const child = start({ is_dialer: 'true', transport: 'quic-v1' })
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])

    expect(said).to.include('unknown transport "quic-v1"')
    expect(code).to.equal(1)
  })
}

interface RedisServer {
  port: number
  client: Redis
}

async function startRedis (test: Mocha.Context): Promise<RedisServer> {
  await requireTool(test, REDIS)

  const port = await freePort()
  const server = spawn(REDIS, ['--bind', '127.0.0.1', '--port', `${port}`, '--save', ''], { stdio: 'ignore' })
  const exited = once(server, 'exit')

  cleanUp(async () => {
    server.kill('SIGKILL')
    await exited
  })
  await accepting(port)

  const client = createClient({ socket: { host: '127.0.0.1', port } })
  await client.connect()
  cleanUp(() => { client.destroy() })

  return { port, client }
}

// eslint-disable-next-line @typescript-eslint/explicit-function-return-type -- the kind with three pipes
function start (env: Record<string, string>) {
  const child = spawn(process.execPath, ['--no-warnings', HARNESS], { env: { PATH: process.env.PATH, ...env } })
  const exited = once(child, 'exit')

  cleanUp(async () => {
    child.kill('SIGKILL')
    await exited
  })

  return child
}

async function output (child: ReturnType<typeof start>): Promise<string> {
  const [said, complaint, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])

  expect(code, complaint).to.equal(0)

  return said
}
