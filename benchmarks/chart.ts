/** Results as a chart: for each headline figure, how many times better ws-transport is than each peer. */
import { OURS } from './results.ts'
import type { Results } from './results.ts'

/** Metrics that make sense as "times better"; memory growth may be nothing at all. */
const METRICS = new Set(['MB/s', 'p50 us', 'p99 us', 'dials/s', 'KiB/connection'])

/** One hue per peer, to be told apart in light and in dark. */
const COLOURS: Record<string, string> = {
  net: '#8b8b8b',
  ws: '#d97706',
  '@libp2p/tcp': '#2563eb',
  '@libp2p/websockets': '#dc2626'
}
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .small { font-size: 11px; fill: #6e7781 }
  .grid { stroke: #d0d7de } .one { stroke: #24292f }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #8d96a0 }
    .grid { stroke: #30363d } .one { stroke: #e6edf3 }
  }`

const WIDTH = 960
const LEFT = 430
const RIGHT = 24
const TOP = 86
const ROW = 24
const LEGEND = 300
const LEGEND_STEP = 150

interface Row {
  label: string
  /** Peer, and how many times better than it. */
  points: Array<[string, number]>
}

export function drawChart (results: Results): string {
  const rows = createRows(results)
  const times = rows.flatMap(({ points }) => points.map(([, times]) => times))
  const low = Math.floor(Math.log2(Math.min(...times, 0.5)))
  const high = Math.ceil(Math.log2(Math.max(...times, 2)))
  const x = (times: number): number => LEFT + (Math.log2(times) - low) / (high - low) * (WIDTH - LEFT - RIGHT)
  const y = (row: number): number => TOP + (row + 0.5) * ROW
  const bottom = y(rows.length - 0.5)
  const height = bottom + 12

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="ws-transport against its peers">`,
    `<style>${STYLE}</style>`,
    `<text x="12" y="22" font-weight="600">${OURS}, times better than</text>`,
    ...drawLegend(),
    `<text class="small" x="12" y="42">${results.date.slice(0, 10)}, ${escape(results.machine.cpu)}, Node ${results.machine.node}, median of ${results.runs}</text>`,
    ...powersOfTwo(low, high).map(times => drawGridLine(times, x(times), bottom)),
    ...rows.flatMap(({ label, points }, row) => [
      `<text x="12" y="${y(row) + 4}">${escape(label)}</text>`,
      ...points.map(([peer, times]) => drawPoint(peer, times, label, x(times), y(row)))
    ]),
    '</svg>',
    ''
  ].join('\n')
}

function createRows ({ cases }: Results): Row[] {
  return cases.filter(({ headline }) => headline).flatMap(({ group, name, metrics }) =>
    Object.entries(metrics).filter(([metric]) => METRICS.has(metric)).map(([metric, { better, peers }]) => ({
      label: `${group}: ${name}, ${metric}`,
      points: Object.entries(peers)
        .filter(([peer, { ratio }]) => ratio != null && peer in COLOURS)
        .map(([peer, { ratio = 1 }]) => [peer, better === 'more' ? ratio : 1 / ratio] as [string, number])
    })))
}

function drawLegend (): string[] {
  return Object.entries(COLOURS).map(([peer, colour], i) =>
    `<circle cx="${LEGEND + i * LEGEND_STEP}" cy="18" r="5" fill="${colour}"/><text x="${LEGEND + 10 + i * LEGEND_STEP}" y="22">${peer}</text>`)
}

function drawGridLine (times: number, x: number, bottom: number): string {
  return `<line class="${times === 1 ? 'one' : 'grid'}" x1="${x}" y1="${TOP - 6}" x2="${x}" y2="${bottom}"/>` +
    `<text class="small" x="${x}" y="${TOP - 12}" text-anchor="middle">${times}x</text>`
}

function drawPoint (peer: string, times: number, label: string, x: number, y: number): string {
  return `<circle cx="${x.toFixed(1)}" cy="${y}" r="5" fill="${COLOURS[peer]}"><title>${escape(label)}: ${times.toFixed(2)}x ${peer}</title></circle>`
}

function powersOfTwo (low: number, high: number): number[] {
  return Array.from({ length: high - low + 1 }, (_, i) => 2 ** (low + i))
}

function escape (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
