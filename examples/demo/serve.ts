/**
 * A libp2p node and a page that dials it, on one port: `npm run demo`.
 *
 * The node answers ping, takes and sends bytes as fast as flow control lets it, and passes chat lines on to all tabs. The
 * page is bundled when this starts.
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { build } from 'esbuild'
import { createLibp2p } from 'libp2p'
import { webSockets } from 'ws-transport'
import { MUXER, onLines, say, SINK, SOURCE, TALK } from './protocol.ts'
import type { Line } from './protocol.ts'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { IncomingMessage, ServerResponse } from 'node:http'

const CHUNK = new Uint8Array(65_536)
/** Between two reports to a page, ms. */
const REPORT_INTERVAL = 250
const MAX_CHAT = 500
/** Bytes that wait for a page. */
const MAX_UNHEARD = 65_536

interface Tab {
  talk: Stream
  received: number
  sent: number
  held: boolean
}

/** By connection id: what each tab has moved. */
const tabs = new Map<string, Tab>()
const files = await page()
const node = await createLibp2p({
  addresses: { listen: [`/ip4/127.0.0.1/tcp/${process.env.PORT ?? 0}/ws`] },
  transports: [webSockets({ onrequest: servePage })],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux(MUXER)],
  // a person may open tabs and cut connections as fast as they like
  connectionManager: { inboundConnectionThreshold: Infinity },
  services: { identify: identify(), ping: ping() }
})
const [address] = node.getMultiaddrs()

await node.handle(TALK, openTab)
await node.handle(SINK, takeAll, { maxInboundStreams: 256 })
await node.handle(SOURCE, sendForever, { maxInboundStreams: 256 })

const reports = setInterval(() => {
  tabs.forEach(({ talk, received, sent, held }) => { tell(talk, { received, sent, held, tabs: tabs.size }) })
}, REPORT_INTERVAL)

process.stdout.write(`open http://localhost:${address.getComponents().find(({ name }) => name === 'tcp')?.value}/ in a browser, in two tabs if you like; stop with Ctrl-C\n`)

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    clearInterval(reports)
    void node.stop()
  })
}

function openTab (talk: Stream, connection: Connection): void {
  tabs.set(connection.id, { talk, received: 0, sent: 0, held: false })
  talk.addEventListener('close', () => { tabs.delete(connection.id) })

  onLines(talk, line => {
    if ('chat' in line) {
      const chat = `${line.chat}`.slice(0, MAX_CHAT)
      tabs.forEach(({ talk }) => { tell(talk, { chat, from: `${connection.remotePeer}` }) })
    } else if ('cut' in line) {
      connection.abort(new Error('the page asked for it'))
    }
  })
}

function takeAll (stream: Stream, { id }: Connection): void {
  stream.addEventListener('message', ({ data }) => {
    const tab = tabs.get(id)

    if (tab != null) {
      tab.received += data.byteLength
    }
  })
}

/** Send until we are told to wait; then wait for `drain`. A break now and then lets others have their turn. */
function sendForever (stream: Stream, { id }: Connection): void {
  const tab = tabs.get(id)

  const send = (): void => {
    // one drain wakes all streams of a connection, those too whose own window is used up
    if (tab == null || stream.writeStatus !== 'writable' || stream.writableNeedsDrain) {
      return
    }

    tab.held = !stream.send(CHUNK)
    tab.sent += CHUNK.length

    if (!tab.held) {
      setImmediate(send)
    }
  }

  stream.addEventListener('drain', send)
  // the page has had enough
  stream.addEventListener('remoteCloseWrite', () => { stream.abort(new Error('enough')) })
  stream.addEventListener('close', () => { if (tab != null) { tab.held = false } })
  send()
}

function tell (talk: Stream, line: Line): void {
  // one that does not read, or is going, hears nothing; beside a download all streams of a connection wait for drain most of the time
  if (talk.writeStatus === 'writable' && talk.writeBufferLength < MAX_UNHEARD) {
    say(talk, line)
  }
}

/** What a browser asks for, by path. */
async function page (): Promise<Map<string, { type: string, body: string | Uint8Array }>> {
  const at = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
  const { outputFiles: [script] } = await build({ entryPoints: [at('page/main.ts')], bundle: true, minify: true, format: 'esm', target: 'es2022', write: false })
  const styles = [await readFile(fileURLToPath(import.meta.resolve('uplot/dist/uPlot.min.css')), 'utf8'), await readFile(at('page/style.css'), 'utf8')]

  return new Map([
    ['/', { type: 'text/html; charset=utf-8', body: await readFile(at('page/index.html')) }],
    ['/main.js', { type: 'text/javascript', body: script.contents }],
    ['/style.css', { type: 'text/css', body: styles.join('\n') }]
  ])
}

function servePage ({ url = '/' }: IncomingMessage, response: ServerResponse): void {
  const path = url.split('?')[0]
  const file = files.get(path)

  if (path === '/node.json') {
    // the page dials this address, which names the peer: who answers must be that one
    response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }).end(JSON.stringify({ address: `${nodeAddress(node)}` }))
  } else if (file == null) {
    response.writeHead(404).end()
  } else {
    response.writeHead(200, { 'Content-Type': file.type, 'Cache-Control': 'no-store' }).end(file.body)
  }
}

function nodeAddress (node: Libp2p): string {
  return `${node.getMultiaddrs()[0]}`
}
