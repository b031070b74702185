/** What websocksy does to its clients, and ours must not: each of these fails there. Its framings have tests of their own. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { WebSocket } from 'ws'
import { cleanUp } from '../fixtures/clean-up.ts'
import { listening, startProgram } from '../fixtures/programs.ts'
import { freePort } from '../server/fixtures.ts'
import { client, exchange, refusal, runningBridge, target } from './bridge-fixtures.ts'
import { file } from './fixtures.ts'
import type { RunningBridge } from './bridge-fixtures.ts'
import type { Socket } from 'node:net'

const HANDSHAKE = ['Host: bridge', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']

/** The command, with options of the backend. */
async function websocksy (...options: string[]): Promise<RunningBridge> {
  return runningBridge('websocksy', '-l', '127.0.0.1', '-p', '0', ...options)
}

/** The status line that a raw request gets. */
async function answer ({ url }: RunningBridge, ...lines: string[]): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  cleanUp(() => { socket.destroy() })
  socket.on('error', () => {})
  socket.write([...lines, '', ''].join('\r\n'))

  return String((await once(socket, 'data'))[0]).split('\r\n')[0]
}

/** An open WebSocket, and the raw socket under it. */
async function rawClient ({ url }: RunningBridge): Promise<{ socket: WebSocket, raw: Socket }> {
  const socket = new WebSocket(url)
  cleanUp(() => { socket.terminate() })
  socket.on('error', () => {})
  const upgraded = once(socket, 'upgrade')
  await once(socket, 'open')
  const [{ socket: raw }] = await upgraded

  return { socket, raw }
}

describe('websocksy command: what websocksy does, and ours must not', () => {
  it('drop large messages', async () => {
    const { url } = await target()
    const peer = await client((await websocksy('-c', `host=${url}`)).url)
    const large = Buffer.alloc(1_000_000, 'x')
    peer.send(large)
    await peer.inbox.until(({ size }) => size === large.length)

    expect(peer.inbox.messages.every(({ text }) => text)).to.equal(true)
    expect(Buffer.from(peer.inbox.bytes).equals(large)).to.equal(true)
  })

  it('take a fragment for a message, and a continuation for a close', async () => {
    const { url } = await target()
    const bridge = await websocksy('-c', `host=${url}`, '-c', 'framing=separator', '-c', 'framing-config=;')
    const socket = new WebSocket(bridge.url)
    cleanUp(() => { socket.terminate() })
    await once(socket, 'open')
    socket.send('one ', { fin: false })
    socket.send('two ', { fin: false })
    socket.send('three;', { fin: true })

    expect(String((await once(socket, 'message'))[0])).to.equal('one two three;')
  })

  it('overlook reserved bits', async () => {
    const { url } = await target()
    const { socket, raw } = await rawClient(await websocksy('-c', `host=${url}`))
    const closed = once(socket, 'close')
    // an empty binary message with RSV1, masked
    raw.write(Buffer.of(0xc2, 0x80, 0, 0, 0, 0))

    expect((await closed)[0]).to.equal(1002)
  })

  it('lose what the target said last, and close without a code', async () => {
    const { url } = await target(socket => { socket.end('first\nlast') })
    const bridge = await websocksy('-c', `host=${url}`, '-c', 'framing=newline', '-c', 'framing-config=lf')
    const peer = await client(bridge.url)

    expect(await peer.closed).to.deep.equal({ code: 1000, reason: '' })
    expect(await exchange(peer, '', 2)).to.deep.equal(['text first\n', 'text last'])
  })

  it('close without a code where the target fails', async () => {
    const { url } = await target(socket => { socket.once('data', () => { socket.resetAndDestroy() }) })
    const peer = await client((await websocksy('-c', `host=${url}`)).url)
    peer.send('hello')

    expect(await peer.closed).to.have.property('code', 1014)
  })

  it('stop all clients while one target does not answer', async () => {
    const { url } = await target()
    const silent = await target(() => {})
    const folder = join(await file('fast', `${url} *`), '..')
    await writeFile(join(folder, 'slow'), `${silent.url.replace('tcp:', 'ws:')} *`)
    const bridge = await websocksy('-b', 'file', '-c', `path=${folder}`, '-c', 'expression=%endpoint%')
    const asked = silent.accepted()
    const waiting = new WebSocket(`${bridge.url}slow`)
    waiting.on('error', () => {})
    cleanUp(() => { waiting.terminate() })
    await asked

    const peer = await client(`${bridge.url}fast`)
    expect(await exchange(peer, 'hello')).to.deep.equal(['text hello'])
    expect(waiting.readyState).to.equal(WebSocket.CONNECTING)
  })

  it('tell header names by their case, or forget all but ten', async () => {
    const { url } = await target()
    const folder = join(await file('me', `${url} *`), '..')
    const bridge = await websocksy('-b', 'file', '-c', `path=${folder}`, '-c', 'expression=%header:X-Who%')
    const many = Array.from({ length: 40 }, (_, i) => `X-Header-${i}: ${i}`)

    expect(await answer(bridge, 'GET / HTTP/1.1', ...HANDSHAKE.map(line => line.replace(/^[^:]*/, name => name.toLowerCase())), ...many, 'x-who: me')).to.equal('HTTP/1.1 101 Switching Protocols')
    expect(await answer(bridge, 'GET / HTTP/1.1', ...HANDSHAKE.map(line => line.replace(/^[^:]*/, name => name.toUpperCase())), ...many, 'X-WHO: me')).to.equal('HTTP/1.1 101 Switching Protocols')
  })

  it('leave requests unanswered', async () => {
    const { url } = await target()
    const bridge = await websocksy('-c', `host=${url}`)

    expect(await answer(bridge, 'GET / HTTP/1.1', ...HANDSHAKE.slice(0, 4))).to.match(/^HTTP\/1\.1 400 /)
    expect(await answer(bridge, 'POST / HTTP/1.1', 'Host: bridge', 'Content-Length: 0')).to.match(/^HTTP\/1\.1 4/)
    expect(await answer(bridge, 'GET / HTTP/1.1', 'Host: bridge')).to.match(/^HTTP\/1\.1 426 /)
    expect(await answer(bridge, `GET /${'x'.repeat(100_000)} HTTP/1.1`, ...HANDSHAKE)).to.match(/^HTTP\/1\.1 431 /)
  })

  it('die of a line in a file', async () => {
    const { url } = await target()
    const folder = join(await file('peer', 'nonsense'), '..')
    const bridge = await websocksy('-b', 'file', '-c', `path=${folder}`, '-c', 'expression=peer')

    expect(await refusal(bridge.url)).to.equal(500)
    expect(await refusal(bridge.url, ['x'])).to.equal(400)
    expect(bridge.stderr).to.contain('nonsense')

    await writeFile(join(folder, 'peer'), url)
    expect(await exchange(await client(bridge.url), 'hello')).to.deep.equal(['text hello'])
  })

  it('end a session for an empty datagram, or where nobody listens yet', async function () {
    const port = await freePort()
    const bridge = await websocksy('-c', `host=udp://127.0.0.1:${port}`)
    const peer = await client(bridge.url)
    peer.send('nobody is here')
    peer.send('')
    startProgram(this, 'socat', ['socat', `UDP4-RECVFROM:${port},bind=127.0.0.1,fork`, 'EXEC:cat'])

    // until socat is there
    while (peer.inbox.messages.length === 0) {
      peer.send('hello')
      await Promise.race([peer.inbox.until(({ messages }) => messages.length > 0), new Promise(resolve => { setTimeout(resolve, 20) })])
    }

    expect(peer.inbox.messages[0].text).to.equal(true)
    expect(Buffer.from(peer.inbox.messages[0].data).toString()).to.equal('hello')
  })

  it('carries bytes to socat and back, whoever speaks first', async function () {
    const port = await freePort()
    startProgram(this, 'socat', ['socat', `TCP4-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr`, 'EXEC:cat'])
    await listening(port)
    const peer = await client((await websocksy('-c', `port=${port}`, '-c', 'host=127.0.0.1', '-c', 'framing=binary')).url)

    expect(await exchange(peer, 'any\0\xff')).to.deep.equal(['binary any\0\xff'])
  })
})
