import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'aegir/chai'
import { skip } from '../fixtures/skip.ts'
import { freePort, open, rejection, serve, socketPath } from './fixtures.ts'
import type { Context } from 'mocha'

const run = promisify(execFile)

/** How many connections the system holds for a port, as it says itself. */
async function backlogOf (test: Context, port: number): Promise<number> {
  try {
    const { stdout } = await run('ss', ['-Hltn', `sport = :${port}`])

    return Number(stdout.split(/\s+/)[2])
  } catch (error: any) {
    if (error.code !== 'ENOENT' || process.env.CI === 'true') {
      throw error
    }

    return skip(test, 'ss is not installed (Debian: iproute2)')
  }
}

describe('backlog', () => {
  it('is how many connections the system holds until they are accepted', async function () {
    const { port } = await serve({ backlog: 7 })

    expect(await backlogOf(this, port)).to.equal(7)
  })

  it('is that of Node by default', async function () {
    const { port } = await serve()

    // 511 where the system allows as many
    expect(await backlogOf(this, port)).to.be.within(8, 511)
  })
})

describe('reusePort', () => {
  it('lets several listeners have one port, and the system spreads connections over them', async function () {
    if (process.platform !== 'linux') {
      skip(this, 'only Linux is known to spread them')
    }

    const port = await freePort()
    const address = `/ip4/127.0.0.1/tcp/${port}/ws`
    const [a, b] = [await serve({ reusePort: true }, address), await serve({ reusePort: true }, address)]
    await Promise.all(Array.from({ length: 40 }, async () => open(address)))

    expect(a.connections + b.connections).to.equal(40)
    expect(a.connections).to.be.within(1, 39)
  })

  it('is needed by all of them', async () => {
    const port = await freePort()
    const address = `/ip4/127.0.0.1/tcp/${port}/ws`
    await serve({}, address)

    expect(await rejection(serve({ reusePort: true }, address))).to.have.nested.property('cause.code', 'EADDRINUSE')
  })

  it('means nothing for a Unix socket', async () => {
    await expect(serve({ reusePort: true }, `/unix/${encodeURIComponent(await socketPath())}/ws`)).to.eventually.be.ok()
  })
})
