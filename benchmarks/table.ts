/** Results as Markdown, aligned to be read as it is: a table for each group of cases and each of its metrics. */
import type { CaseResult, MetricResult, PeerResult, Results } from './results.ts'

export function formatResults ({ cases, machine, pinned, runs, date }: Results): string {
  const groups = Map.groupBy(cases, ({ group }) => group)
  const tables = [...groups].flatMap(([group, cases]) =>
    metricsOf(cases).map(metric => `### ${capitalize(group)}: ${metric}\n\n${formatTable(cases, metric)}`))

  return [
    `${date}, ${machine.cpu}, ${machine.cpus} CPUs${pinned ? ', one per process' : ''}, ${machine.system}, Node ${machine.node}.`,
    `Median of ${runs}; in brackets: ws-transport divided by this peer.`,
    ...tables,
    ''
  ].join('\n\n')
}

function metricsOf (cases: CaseResult[]): string[] {
  return [...new Set(cases.flatMap(({ metrics }) => Object.keys(metrics)))]
}

function formatTable (cases: CaseResult[], metric: string): string {
  const rows = cases.map(({ name, metrics }) => ({ name, peers: metrics[metric]?.peers ?? {} }))
  const peers = [...new Set(rows.flatMap(({ peers }) => Object.keys(peers)))] as Array<keyof MetricResult['peers']>

  return alignColumns([
    ['', ...peers],
    ...rows.map(row => [row.name, ...peers.map(peer => formatCell(row.peers[peer]))])
  ])
}

function formatCell (result?: PeerResult): string {
  if (result == null) {
    return '-'
  }

  return result.ratio == null ? formatNumber(result.median) : `${formatNumber(result.median)} (${result.ratio.toFixed(2)}x)`
}

/** Three digits are more than these figures are good for. */
function formatNumber (value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3)
}

/** First column left, all others right. */
function alignColumns ([head, ...rows]: string[][]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map(row => row[column].length)))
  const line = (cells: string[]): string => `| ${cells.map((cell, column) => column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])).join(' | ')} |`
  const rule = widths.map((width, column) => column === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)

  return [line(head), `|${rule.join('|')}|`, ...rows.map(line)].join('\n')
}

function capitalize (text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
