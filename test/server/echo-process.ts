/** A process of its own that listens and sends every message back: its port on stdout. It ends with its stdin. */
import { listen } from '../../src/server/index.ts'

const server = await listen('/ip4/127.0.0.1/tcp/0/ws', { handshakeTimeout: 1_000 }, channel => {
  channel.onmessage = (data, text) => { channel.send(data, { text }) }
})

process.stdout.write(`${server.addresses[0].toString()}\n`)
process.stdin.resume().once('end', () => { void server.close() })
