/** Mocha's report, then the matrix as tables. A run of everything writes them beside this file too. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reporters } from 'mocha'
import type { Context, Runner, Test } from 'mocha'

interface Results {
  date: string
  node: string
  /** What happened, by peer, by who dials if it can be either, by case: `pass`, `fail`, or why it could not run. */
  cells: Record<string, Record<string, Record<string, string>>>
}

type Tested = [name: string, directions: Results['cells'][string]]

/** Of peers of the matrix. */
const DIRECTIONS = ['we dial', 'it dials']

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
    const [tested, ...path] = test.titlePath()
    const name = path.pop() ?? ''
    const direction = path.join(', ')

    this.#results.cells[tested] ??= {}
    this.#results.cells[tested][direction] ??= {}
    this.#results.cells[tested][direction][name] = outcome
  }
}

/** How it went with each peer, then every case: one table for the peers, one for each of the others. */
function formatTables ({ date, node, cells }: Results): string {
  const { peers = [], others = [] } = Object.groupBy(Object.entries(cells), ([, outcomes]) => DIRECTIONS[0] in outcomes ? 'peers' : 'others')

  return [
    `${date}, Node ${node}`,
    ...(peers.length > 0 ? [formatSummary(peers), formatTable(peers)] : []),
    ...others.map(other => formatTable([other]))
  ].join('\n\n')
}

/** A row for each: how many cases passed, and which did not. */
function formatSummary (peers: Tested[]): string {
  return formatRows([
    ['peer', ...DIRECTIONS],
    ...peers.map(([peer, outcomes]) => [peer, ...DIRECTIONS.map(direction => summarise(outcomes[direction] ?? {}))])
  ])
}

function summarise (outcomes: Record<string, string>): string {
  const { pass = [], ...rest } = Object.groupBy(Object.keys(outcomes), name => outcomes[name].replace(/^pass, .*/, 'pass'))

  return [
    ...(pass.length > 0 ? [`${pass.length} pass`] : []),
    ...Object.entries(rest).map(([outcome, names]) => `${outcome}: ${names?.join(', ')}`)
  ].join('; ')
}

function formatTable (tested: Tested[]): string {
  const columns = tested.flatMap(([peer, directions]) => Object.entries(directions)
    .map(([direction, outcomes]) => ({ title: direction === '' ? peer : `${peer}, ${direction}`, outcomes })))
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
