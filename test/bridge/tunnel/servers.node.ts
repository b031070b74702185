/** Tunnels to the real servers of others. */
import { Resolver } from 'node:dns/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import { expect } from 'aegir/chai'
import { listening, startProgram } from '../../fixtures/programs.ts'
import { temporaryFolder } from '../../fixtures/puppeteer.ts'
import { until } from '../../fixtures/until.ts'
import { freePort } from '../../server/fixtures.ts'
import { portOf, tunnel } from './fixtures.ts'

describe('a tunnel to real servers', () => {
  it('redis, on a Unix socket', async function () {
    const folder = await temporaryFolder()
    const path = join(folder, 'redis.sock')
    startProgram(this, 'redis-server', ['redis-server', '--port', '0', '--unixsocket', path, '--save', '', '--dir', folder])
    await until(() => existsSync(path))
    const { connected } = await tunnel(`unix://${path}`)
    const client = createClient({ socket: { host: '127.0.0.1', port: portOf(connected.local[0]) } })
    await client.connect()

    try {
      const value = 'x'.repeat(1_000_000)
      await client.set('key', value)
      expect(await client.get('key') === value).to.equal(true)
      const counts = await Promise.all(Array.from({ length: 100 }, async () => client.incr('count')))
      expect(counts).to.deep.equal(Array.from({ length: 100 }, (_, i) => i + 1))
    } finally {
      client.destroy()
    }
  })

  it('dnsmasq, over UDP', async function () {
    const port = await freePort()
    startProgram(this, 'dnsmasq', ['dnsmasq', '--keep-in-foreground', '--no-resolv', '--no-hosts', '--conf-file=/dev/null', '--pid-file=', '--listen-address=127.0.0.1', '--bind-interfaces', `--port=${port}`, '--address=/tunnel.test/192.0.2.7'])
    await listening(port)
    const { connected } = await tunnel(`udp://127.0.0.1:${port}`, { local: 'udp://127.0.0.1:0' })
    const resolver = new Resolver({ timeout: 2_000 })
    resolver.setServers([`127.0.0.1:${portOf(connected.local[0])}`])

    expect(await resolver.resolve4('tunnel.test')).to.deep.equal(['192.0.2.7'])
    expect(await Promise.all(Array.from({ length: 20 }, async (_, i) => resolver.resolve4(`host${i}.tunnel.test`)))).to.deep.equal(Array.from({ length: 20 }, () => ['192.0.2.7']))
  })
})
