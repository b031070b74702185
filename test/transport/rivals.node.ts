import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { webSockets as rivalWebSockets } from '@libp2p/websockets'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { webSockets } from '../../src/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { createNode } from '../fixtures/nodes.ts'
import type { TransportFactory } from '../fixtures/node-init.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

const DIALER = fileURLToPath(new URL('../fixtures/rival-dialer.ts', import.meta.url))
const ANY_PORT = '/ip4/127.0.0.1/tcp/0/ws'

/** A node of each side: ping, echo, and an end that both see. */
async function talk (dialerTransport: TransportFactory, listenerTransport: TransportFactory, address: string): Promise<void> {
  const listener = await createNode(listenerTransport, [address])
  const dialer = await createNode(dialerTransport)
  const accepted = pEvent(listener, 'connection:open')
  const connection = await dialer.dial(listener.getMultiaddrs())
  const data = randomBytes(5 * 1_048_576)

  expect(await dialer.services.ping.ping(connection.remotePeer)).to.be.at.least(0)
  expect(data.equals((await dialer.services.echo.echo(connection.remotePeer, data)).subarray())).to.be.true()

  await accepted
  const closed = pEvent(listener, 'connection:close')
  await connection.close()
  await closed
}

/** What the other transport's process saw when it dialled `address`. */
async function runRivalDialer (address: Multiaddr, ca: string): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'ws-transport-'))
  cleanUp(async () => rm(folder, { recursive: true }))
  const file = join(folder, 'ca.pem')
  await writeFile(file, ca)

  const { stdout } = await promisify(execFile)(process.execPath, [DIALER, `${address}`], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: file }
  })

  return JSON.parse(stdout)
}

describe('@libp2p/websockets', function () {
  this.timeout(60_000)

  it('is dialled over ws', async () => {
    await talk(webSockets(), rivalWebSockets(), ANY_PORT)
  })

  it('dials over ws', async () => {
    await talk(rivalWebSockets(), webSockets(), ANY_PORT)
  })

  it('is dialled over wss', async () => {
    const certificate = await createCertificate()

    await talk(webSockets({ tls: { ca: certificate.cert } }), rivalWebSockets({ https: certificate }), '/ip4/127.0.0.1/tcp/0/tls/ws')
  })

  it('dials over wss', async () => {
    const certificate = await createCertificate()
    const listener = await createNode(webSockets({ https: certificate }), ['/ip4/127.0.0.1/tcp/0/tls/ws'])
    const [address] = listener.getMultiaddrs()

    expect(await runRivalDialer(address, certificate.cert)).to.deep.equal({
      remoteAddr: `${address}`,
      pinged: true,
      echoed: true
    })
  })
})
