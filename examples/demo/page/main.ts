/** A libp2p node in a page: dials the node that served it, measures, chats, and comes back when it is cut. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { createLibp2p } from 'libp2p'
import { webSockets } from 'ws-transport'
import { MUXER, onLines, say } from '../protocol.ts'
import { Chart } from './chart.ts'
import { dial } from './dial.ts'
import { download, stop, upload } from './transfer.ts'
import { element, isPressed, press, show, showConnection, showLine, showStages, showState, toggle } from './view.ts'
import type { Line } from '../protocol.ts'
import type { Connection, Stream } from '@libp2p/interface'

const PING_INTERVAL = 500
const PLOT_INTERVAL = 500
/** Between two dials, ms. */
const RETRY_DELAY = 1_000
const MB = 1_000_000

const node = await createLibp2p({
  transports: [webSockets()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux(MUXER)],
  // by default a browser dials public wss addresses only
  connectionGater: { denyDialMultiaddr: () => false },
  services: { identify: identify(), ping: ping() }
})
const roundTrips = new Chart('rtt-chart', [{ colour: 'accent' }])
const throughput = new Chart('throughput-chart', [{ colour: 'up' }, { colour: 'down' }])

/** What belongs to the connection of the moment. */
let connection: Connection | undefined
let talk: Stream | undefined
let up: Stream | undefined
let down: Stream | undefined
/** Bytes that the node says it has received and sent, and that we have received. */
let received = 0
let sent = 0
let downloaded = 0
let transfersUpdated = Promise.resolve()

show('self', `${node.peerId}`)
toggle('upload', updateTransfers)
toggle('download', updateTransfers)
toggle('stall', () => { updateStall() })
element('cut').addEventListener('click', () => { if (talk != null) { say(talk, { cut: true }) } })
element<HTMLFormElement>('say').addEventListener('submit', (event) => {
  event.preventDefault()
  const input = element<HTMLInputElement>('message')

  if (talk != null && input.value !== '') {
    say(talk, { chat: input.value, from: '' })
    input.value = ''
  }
})
plot()

for (;;) {
  try {
    showState('dialling', 'dialling')
    await live(await dial(node, showStages))
    showState('dialling', 'cut, dialling again')
  } catch (err: any) {
    showState('failed', `no answer (${err.name}), trying again`)
  }

  await delay(RETRY_DELAY)
}

/** Use a connection until it ends. */
async function live ({ connection: open, talk: stream }: Awaited<ReturnType<typeof dial>>): Promise<void> {
  const ended = new Promise<void>(resolve => { open.addEventListener('close', () => { resolve() }) })
  connection = open
  talk = stream
  onLines(talk, onLine)
  showConnection(open)
  showState('open', 'connected')
  updateTransfers()
  void measure(open)
  await ended
  connection = talk = up = down = undefined
  received = sent = 0
}

async function measure (open: Connection): Promise<void> {
  while (open.status === 'open') {
    try {
      // the whole milliseconds of the ping service are too coarse for loopback
      const started = performance.now()
      await node.services.ping.ping(open.remotePeer)
      const ms = performance.now() - started
      roundTrips.add(ms)
      show('rtt', `${ms.toFixed(1)} ms`)
    } catch {
      // the connection tells
    }

    await delay(PING_INTERVAL)
  }
}

function onLine (line: Line): void {
  if ('chat' in line) {
    showLine(line.from === `${node.peerId}` ? 'me' : line.from.slice(-6), line.chat)
  } else if ('held' in line) {
    const held = line.held && line.sent === sent && isPressed('stall')
    received = line.received
    sent = line.sent
    show('held', held ? `the reader is stalled, and holds the node's sender at ${(sent / MB).toFixed(1)} MB` : '')
    show('tabs', line.tabs === 1 ? 'one tab' : `${line.tabs} tabs`)
  }
}

/** Start and stop what the buttons say; once at a time, because they may say something else before a stream is open. */
function updateTransfers (): void {
  transfersUpdated = transfersUpdated.then(startAndStop).catch(() => {
    // it was cut: what comes next starts them
  })
}

async function startAndStop (): Promise<void> {
  if (connection == null) {
    return
  }

  if (isPressed('upload')) {
    up ??= await upload(connection)
  } else {
    stop(up)
    up = undefined
  }

  if (isPressed('download')) {
    down ??= await download(connection, bytes => { downloaded += bytes })
  } else {
    stop(down)
    down = undefined
    press('stall', false)
  }

  updateStall()
}

function updateStall (): void {
  isPressed('stall') ? down?.pause() : down?.resume()
}

/** What was moved since the last time, a second. */
function plot (then = performance.now(), uploadedThen = 0, downloadedThen = 0): void {
  setTimeout(() => {
    const now = performance.now()
    const uploaded = received
    const rate = (bytes: number): number => Math.max(bytes, 0) / MB / (now - then) * 1_000
    const rates = [rate(uploaded - uploadedThen), rate(downloaded - downloadedThen)]

    throughput.add(...rates)
    show('up', `${rates[0].toFixed(0)} MB/s`)
    show('down', `${rates[1].toFixed(0)} MB/s`)
    plot(now, uploaded, downloaded)
  }, PLOT_INTERVAL)
}

async function delay (ms: number): Promise<void> {
  return new Promise(resolve => { setTimeout(resolve, ms) })
}
