/** Mocha's report, then the matrix as tables. A run of everything writes them beside this file too. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reporters } from 'mocha'
import type { Context, Runner, Test } from 'mocha'

interface Results {
  date: string
  node: string
  /** What happened, by peer, by who dials, by case: `pass`, `fail`, or why it could not run. */
  cells: Record<string, Record<string, Record<string, string>>>
}

/** A peer of the matrix has it. */
const DIRECTION = 'we dial'

const notes = new Map<string, string>()

/** What the table says of a case that passes and is not what one would wish. */
export function note (test: Context, text: string): void {
  notes.set(test.test?.fullTitle() ?? '', text)
}

class Report extends reporters.Spec {
  readonly #results: Results = { date: new Date().toISOString().slice(0, 10), node: process.version, cells: {} }

  constructor (runner: Runner, options: Mocha.MochaOptions) {
    super(runner, options)

    runner.on('pass', (test) => { this.#add(test, notes.get(test.fullTitle()) ?? 'pass') })
    runner.on('fail', (test) => { this.#add(test, 'fail') })
    runner.on('pending', (test) => { this.#add(test, notes.get(test.fullTitle()) ?? 'skipped') })
  }

  override epilogue (): void {
    super.epilogue()

    const table = `${formatTables(this.#results)}\n`
    process.stdout.write(`${table}\n${this.stats.passes} passed, ${this.stats.failures} failed\n`)

    // of a whole run only
    if (process.env.INTEROP_ONLY == null && !process.argv.some(argument => /^(-g|--grep|-f|--fgrep)/.test(argument))) {
      writeFileSync(join(import.meta.dirname, 'results.json'), `${JSON.stringify(this.#results, null, 2)}\n`)
      writeFileSync(join(import.meta.dirname, 'results.md'), table)
    }
  }

  #add (test: Test, outcome: string): void {
    const [peer, direction, ...rest] = test.titlePath()
    const name = rest.join(', ')

    if (name !== '') {
      this.#results.cells[peer] ??= {}
      this.#results.cells[peer][direction] ??= {}
      this.#results.cells[peer][direction][name] = outcome
    }
  }
}

/** How each pair went, then every case: one table for the peers, one for each of the others. */
function formatTables ({ date, node, cells }: Results): string {
  const peers = Object.entries(cells).filter(([, directions]) => DIRECTION in directions)
  const others = Object.entries(cells).filter(([, directions]) => !(DIRECTION in directions))

  return [
    `${date}, Node ${node}`,
    formatSummary(cells),
    ...[peers, ...others.map(other => [other])].filter(group => group.length > 0).map(group => formatTable(Object.fromEntries(group)))
  ].join('\n\n')
}

/** A row for each peer: how many cases passed, and which did not. */
function formatSummary (cells: Results['cells']): string {
  const directions = [...new Set(Object.values(cells).flatMap(Object.keys))]

  return formatRows([
    ['', ...directions],
    ...Object.entries(cells).map(([peer, outcomes]) => [peer, ...directions.map(direction => summarise(outcomes[direction] ?? {}))])
  ])
}

function summarise (outcomes: Record<string, string>): string {
  const { pass = [], ...rest } = Object.groupBy(Object.keys(outcomes), name => outcomes[name].replace(/^pass, .*/, 'pass'))

  return [
    ...(pass.length > 0 ? [`${pass.length} pass`] : []),
    ...Object.entries(rest).map(([outcome, names]) => `${outcome}: ${names?.join(', ')}`)
  ].join('; ')
}

function formatTable (cells: Results['cells']): string {
  const columns = Object.entries(cells).flatMap(([peer, directions]) => Object.entries(directions)
    .map(([direction, outcomes]) => ({ title: `${peer}, ${direction}`, outcomes })))
  const names = [...new Set(columns.flatMap(({ outcomes }) => Object.keys(outcomes)))]

  return formatRows([
    ['case', ...columns.map(({ title }) => title)],
    ...names.map(name => [name, ...columns.map(({ outcomes }) => outcomes[name] ?? '')])
  ])
}

function formatRows ([head, ...rows]: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

// mocha `require`s its reporter and wants the class itself
export { Report as 'module.exports' }
