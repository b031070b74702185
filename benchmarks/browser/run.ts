/**
 * ws-transport in a page of Chromium, beside a bare `WebSocket` and `@libp2p/websockets`: `npm run bench:browser`.
 *
 * Every run measures each peer once, in turns; a ratio is the median of the ratios within each run. Needs `npm run build`.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { launch } from 'puppeteer-core'
import { startBenchNode } from './node.ts'
import type { BenchNode } from './node.ts'
import type { Browser, Page } from 'puppeteer-core'

const RUNS = Number(process.env.RUNS ?? 3)
/** ms. */
const WARM_UP = 400
const WINDOW = Number(process.env.WINDOW ?? 1_200)
const STALL = 3_000
const KIB = 1_024
const MIB = 1_048_576

interface Case {
  name: string
  /** That of ours, and the one it is divided by. */
  peers: [ours: string, other: string]
  direction: 'up' | 'down'
  size: number
  /** What the ratio should be, at least. */
  goal: number
}

const CASES: Case[] = [
  { name: 'raw, 64 KiB writes, upload', peers: ['channel', 'WebSocket'], direction: 'up', size: 64 * KIB, goal: 0.95 },
  { name: 'raw, 64 KiB writes, download', peers: ['channel', 'WebSocket'], direction: 'down', size: 64 * KIB, goal: 0.95 },
  { name: 'the same over WebSocketStream, upload', peers: ['channel over WebSocketStream', 'WebSocket'], direction: 'up', size: 64 * KIB, goal: 0.95 },
  { name: 'the same over WebSocketStream, download', peers: ['channel over WebSocketStream', 'WebSocket'], direction: 'down', size: 64 * KIB, goal: 0.95 },
  { name: 'raw, 1 KiB writes, upload', peers: ['channel', 'WebSocket'], direction: 'up', size: KIB, goal: 4 },
  { name: 'Noise and yamux, 64 KiB writes, upload', peers: ['ws-transport', '@libp2p/websockets'], direction: 'up', size: 64 * KIB, goal: 1 },
  { name: 'Noise and yamux, 64 KiB writes, download', peers: ['ws-transport', '@libp2p/websockets'], direction: 'down', size: 64 * KIB, goal: 1 }
]

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const { outputFiles: [script] } = await build({ entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))], bundle: true, format: 'esm', write: false })
const node = await startBenchNode(({ url }, response) => {
  response.writeHead(200, { 'Content-Type': url === '/' ? 'text/html' : 'text/javascript' })
    .end(url === '/' ? '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>' : script.contents)
})
const browser = await launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })

print(`${await browser.version()}, Node ${process.version}, ${RUNS} runs\n`)
print('| case | ws-transport, MB/s | other, MB/s | ratio | goal |\n|---|---|---|---|---|')

for (const { name, peers, goal, ...work } of CASES) {
  const runs: number[][] = []

  for (let run = 0; run < RUNS; run++) {
    const order = run % 2 === 0 ? peers : peers.toReversed()
    const rates = new Map<string, number>()

    for (const peer of order) {
      rates.set(peer, await withPage(browser, node, async page => rate(page, node, peer, work)))
    }

    runs.push(peers.map(peer => rates.get(peer) ?? NaN))
  }

  const ratio = median(runs.map(([ours, other]) => ours / other))
  print(`| ${name} | ${median(runs.map(([ours]) => ours)).toFixed(1)} | ${peers[1]}: ${median(runs.map(([, other]) => other)).toFixed(1)} | ${ratio.toFixed(2)}x | ${goal}x |`)
}

const grown = await withPage(browser, node, async page => growth(browser, page, node))
print(`\nA page whose reader is stalled, over WebSocketStream, offered more without end for ${STALL} ms, grows by ${(grown / MIB).toFixed(1)} MiB; goal: under 16 MiB`)

await browser.close()
await node.stop()

/** MB/s between two moments, by the clock of the receiver. */
async function rate (page: Page, node: BenchNode, peer: string, { direction, size }: Pick<Case, 'direction' | 'size'>): Promise<number> {
  await open(page, node, peer, direction === 'up' ? 'sink' : 'source')
  await page.evaluate(direction === 'up' ? `bench.write(${size})` : 'bench.read()')
  const look = async (): Promise<[number, number]> => direction === 'up' ? node.received() : await page.evaluate('bench.received()') as [number, number]

  await delay(WARM_UP)
  const [bytesBefore, before] = await look()
  await delay(WINDOW)
  const [bytes, now] = await look()

  return (bytes - bytesBefore) / (now - before) / 1_000
}

/** Bytes that the processes of pages grow by while a node offers more than a stalled page takes. */
async function growth (browser: Browser, page: Page, node: BenchNode): Promise<number> {
  const before = await pageMemory(browser)
  await open(page, node, 'channel over WebSocketStream', 'source')
  await page.evaluate('bench.stall()')
  let most = 0

  for (const end = performance.now() + STALL; performance.now() < end; await delay(100)) {
    most = Math.max(most, await pageMemory(browser) - before)
  }

  return most
}

/** Resident memory, bytes. */
async function pageMemory (browser: Browser): Promise<number> {
  const session = await browser.target().createCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  const sizes = await Promise.all(processInfo.filter(({ type }) => type === 'renderer').map(async ({ id }) => {
    const status = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '')

    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * KIB
  }))
  await session.detach()

  return sizes.reduce((sum, size) => sum + size, 0)
}

async function open (page: Page, node: BenchNode, peer: string, path: string): Promise<void> {
  const address = peer.startsWith('channel') || peer === 'WebSocket' ? node.raw : node.node
  await page.evaluate(`bench.open(${JSON.stringify(peer)}, ${JSON.stringify(address)}, ${JSON.stringify(path)})`)
}

async function withPage <T> (browser: Browser, node: BenchNode, use: (page: Page) => Promise<T>): Promise<T> {
  const page = await browser.newPage()

  try {
    await page.goto(`http://127.0.0.1:${node.raw.split('/')[4]}/`)
    await page.waitForFunction('globalThis.bench != null')

    return await use(page)
  } finally {
    await page.close()
  }
}

function median (values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

function print (line: string): void {
  process.stdout.write(`${line}\n`)
}
