/** What websocksy does to its clients, and the command must not: each of these fails there. Bridges and framings have more. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { cleanUp } from '../fixtures/clean-up.ts'
import { listening, startProgram } from '../fixtures/programs.ts'
import { freePort } from '../server/fixtures.ts'
import { client, exchange, refusal, runningBridge, target } from './bridge-fixtures.ts'
import { file } from './fixtures.ts'
import type { RunningBridge } from './bridge-fixtures.ts'

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

describe('websocksy command: what websocksy does, and ours must not', () => {
  it('lose what the target said last, and close without a code', async () => {
    const { url } = await target(socket => { socket.end('first\nlast') })
    const bridge = await websocksy('-c', `host=${url}`, '-c', 'framing=newline', '-c', 'framing-config=lf')
    const peer = await client(bridge.url)

    expect(await peer.closed).to.deep.equal({ code: 1000, reason: '' })
    expect(await exchange(peer, '', 2)).to.deep.equal(['text first\n', 'text last'])
  })

  it('tell header names by their case, or forget all but ten', async () => {
    const { url } = await target()
    const folder = join(await file('me', `${url} *`), '..')
    const bridge = await websocksy('-b', 'file', '-c', `path=${folder}`, '-c', 'expression=%header:X-Who%')
    const many = Array.from({ length: 40 }, (_, i) => `X-Header-${i}: ${i}`)

    expect(await answer(bridge, 'GET / HTTP/1.1', ...HANDSHAKE.map(line => line.replace(/^[^:]*/, name => name.toLowerCase())), ...many, 'x-who: me')).to.equal('HTTP/1.1 101 Switching Protocols')
    expect(await answer(bridge, 'GET / HTTP/1.1', ...HANDSHAKE.map(line => line.replace(/^[^:]*/, name => name.toUpperCase())), ...many, 'X-WHO: me')).to.equal('HTTP/1.1 101 Switching Protocols')
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

  it('change bytes that are no text', async function () {
    const port = await freePort()
    startProgram(this, 'socat', ['socat', `TCP4-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr`, 'EXEC:cat'])
    await listening(port)
    const peer = await client((await websocksy('-c', `port=${port}`, '-c', 'host=127.0.0.1', '-c', 'framing=binary')).url)

    expect(await exchange(peer, 'any\0\xff')).to.deep.equal(['binary any\0\xff'])
  })
})
