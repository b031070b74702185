/** Clients that want to exhaust or confuse a server; those it has are served meanwhile. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'aegir/chai'
import { cleanUp } from '../fixtures/clean-up.ts'
import { delay } from '../fixtures/delay.ts'
import { exchange, open, rawClient, rejection, serve, upgradeRequest } from './fixtures.ts'
import type { RawClient } from './fixtures.ts'

const SLOW_CLIENTS = 1_000

/** Each writes a header line now and then, and never ends its request. */
async function slowLoris (port: number, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = []

  // a backlog holds 511
  while (clients.length < count) {
    clients.push(...await Promise.all(Array.from({ length: Math.min(100, count - clients.length) }, async () => rawClient(port, upgradeRequest().slice(0, -2)))))
  }

  const timer = setInterval(() => { clients.forEach(({ socket }) => { socket.write('X-A: b\r\n') }) }, 100)
  cleanUp(() => { clearInterval(timer) })

  return clients
}

describe('hostile clients', function () {
  this.timeout(30_000)

  it(`that are slow, ${SLOW_CLIENTS} of them, are gone after the handshake timeout, and keep nobody out`, async () => {
    const { server, port, failed, failures } = await serve({ handshakeTimeout: 2_000 })
    const good = await open(server.addresses[0])
    const before = process.memoryUsage().heapUsed
    const clients = await slowLoris(port, SLOW_CLIENTS)

    await expect(exchange(good, 'meanwhile')).to.eventually.equal('meanwhile')
    await expect(exchange(await open(server.addresses[0]), 'new')).to.eventually.equal('new')
    // theirs and ours are in this process; it is far less than all their headers might be
    expect(process.memoryUsage().heapUsed - before).to.be.below(SLOW_CLIENTS * 65_536)
    await Promise.all(clients.map(async ({ closed }) => closed))
    await failed(SLOW_CLIENTS)
    expect(new Set(failures.map(({ stage, error: { name } }) => `${stage} ${name}`))).to.deep.equal(new Set(['request TimeoutError']))
    expect(server.channels).to.equal(2)
    await expect(exchange(good, 'at last')).to.eventually.equal('at last')
  })

  it(`that are slow, ${SLOW_CLIENTS} of them, are held as many as may be pending`, async () => {
    let dropped = 0
    const { server, port, failed, failures } = await serve({ handshakeTimeout: 2_000, limits: { pending: 100 }, ondrop: () => { dropped++ } })
    const good = await open(server.addresses[0])
    const clients = await slowLoris(port, SLOW_CLIENTS)

    await expect(exchange(good, 'meanwhile')).to.eventually.equal('meanwhile')
    await Promise.all(clients.map(async ({ closed }) => closed))
    await failed(SLOW_CLIENTS - dropped)
    expect(failures).to.have.lengthOf(SLOW_CLIENTS - dropped)
    // those that came late may have found that the first were gone
    expect(dropped).to.be.within(SLOW_CLIENTS / 2, SLOW_CLIENTS - 100)
    await expect(exchange(await open(server.addresses[0]), 'in')).to.eventually.equal('in')
  })

  describe('that send 64 KiB of headers', () => {
    const cases: Array<[name: string, headers: Record<string, string>]> = [
      ['in one', { Cookie: 'a'.repeat(65_536) }],
      ['in a thousand', Object.fromEntries(Array.from({ length: 1_024 }, (_, i) => [`X-${i}`, 'a'.repeat(60)]))],
      ['in one name', { ['a'.repeat(65_536)]: 'b' }]
    ]

    for (const [name, headers] of cases) {
      it(`${name} are refused, and the server serves on`, async () => {
        const { server, port, failed, channels } = await serve()
        const client = await rawClient(port, upgradeRequest(headers))

        expect(await client.closed).to.match(/^(HTTP\/1\.1 431 |$)/)
        await expect(failed()).to.eventually.have.nested.property('error.code', 'HPE_HEADER_OVERFLOW')
        expect(channels).to.be.empty()
        await expect(exchange(await open(server.addresses[0]), 'served')).to.eventually.equal('served')
      })
    }

    it('are accepted where http.maxHeaderSize has room for them', async () => {
      const { server } = await serve({ http: { maxHeaderSize: 131_072 } })

      await expect(exchange(await open(server.addresses[0], { headers: { Cookie: 'a'.repeat(65_536) } }), 'in')).to.eventually.equal('in')
    })
  })

  describe('that smuggle a request', () => {
    const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n'
    const post = (headers: string, body: string): string => `POST / HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n${body}`
    const cases: Array<[name: string, text: string]> = [
      ['behind a length and chunks', post('Content-Length: 5\r\nTransfer-Encoding: chunked', `0\r\n\r\n${SMUGGLED}`)],
      ['behind chunks and a length', post(`Transfer-Encoding: chunked\r\nContent-Length: ${SMUGGLED.length + 5}`, `0\r\n\r\n${SMUGGLED}`)],
      ['behind two lengths', post(`Content-Length: 0\r\nContent-Length: ${SMUGGLED.length}`, SMUGGLED)],
      ['behind a length with a sign', post('Content-Length: +0', SMUGGLED)],
      ['behind an encoding that is none', post('Transfer-Encoding: xchunked', SMUGGLED)],
      ['behind an encoding with a space before its colon', post('Transfer-Encoding : chunked', `0\r\n\r\n${SMUGGLED}`)],
      ['behind an encoding in a folded line', post('X: y\r\n Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n chunked, identity', `0\r\n\r\n${SMUGGLED}`)],
      ['behind a chunk with a bad length', post('Transfer-Encoding: chunked', `-1\r\n${SMUGGLED}`)],
      ['behind an upgrade with a length', upgradeRequest({ 'Content-Length': `${SMUGGLED.length}` }) + SMUGGLED],
      ['behind an upgrade with chunks', `${upgradeRequest({ 'Transfer-Encoding': 'chunked' })}0\r\n\r\n${SMUGGLED}`],
      ['behind an upgrade that is refused', upgradeRequest({ 'Sec-WebSocket-Version': '99' }) + SMUGGLED],
      ['behind a WebSocket', upgradeRequest() + SMUGGLED],
      ['in a header with a bare line feed', `GET / HTTP/1.1\r\nHost: localhost\r\nX: y\n\n${SMUGGLED}`],
      ['in a header with NUL', `GET / HTTP/1.1\r\nHost: localhost\r\nX: \0\r\n\r\n${SMUGGLED}`]
    ]

    for (const [name, text] of cases) {
      it(`${name} get nothing for it`, async () => {
        const urls: Array<string | undefined> = []
        const { server, port } = await serve({
          onrequest: ({ url }, response) => {
            urls.push(url)
            response.end()
          },
          verify: ({ url }) => { urls.push(url) },
          closeTimeout: 100
        })
        const client = await rawClient(port, text)
        const answer = await client.closed

        expect(urls).to.not.include('/smuggled')
        // one answer, if any
        expect(answer.split('HTTP/1.1 ').length).to.be.within(1, 2)
        await expect(exchange(await open(server.addresses[0]), 'served')).to.eventually.equal('served')
      })
    }
  })

  it('that take all file handles keep out others, until they leave; those it has are served meanwhile', async () => {
    const child = spawn('bash', ['-c', 'ulimit -n 64 && exec "$0" "$1"', process.execPath, fileURLToPath(new URL('./echo-process.ts', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, NODE_NO_WARNINGS: '1' } })
    const exited = once(child, 'exit')
    cleanUp(async () => {
      child.stdin.end()
      await exited
    })
    const [address] = await once(createInterface(child.stdout), 'line')
    const good = await open(address)
    const port = Number(address.split('/')[4])
    const clients = await Promise.all(Array.from({ length: 200 }, async () => rawClient(port).catch(() => undefined)))

    for (let round = 0; round < 20; round++) {
      await expect(exchange(good, `round ${round}`)).to.eventually.equal(`round ${round}`)
      await delay(10)
    }

    await expect(rejection(open(address, { handshakeTimeout: 300 }))).to.eventually.be.an.instanceOf(Error)
    clients.forEach(client => client?.socket.destroy())

    // its backlog is full of those that left
    let late = await open(address, { handshakeTimeout: 300 }).catch(() => undefined)

    while (late == null) {
      late = await open(address, { handshakeTimeout: 300 }).catch(() => undefined)
    }

    await expect(exchange(late, 'recovered')).to.eventually.equal('recovered')
    await expect(exchange(good, 'at last')).to.eventually.equal('at last')
    expect(child.exitCode).to.equal(null)
  })
})
