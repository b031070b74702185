/** Mocha's report, then the matrix as a table: a row for each case, two columns for each peer. Written beside this file too. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reporters } from 'mocha'
import type { Context, Runner, Test } from 'mocha'

export interface Results {
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

/** One table for the peers, one for each of the others. */
export function formatTables ({ date, node, cells }: Results): string {
  const peers = Object.entries(cells).filter(([, directions]) => DIRECTION in directions)
  const others = Object.entries(cells).filter(([, directions]) => !(DIRECTION in directions))

  return [
    `${date}, Node ${node}`,
    ...[peers, ...others.map(other => [other])].filter(group => group.length > 0).map(group => formatTable(Object.fromEntries(group)))
  ].join('\n\n')
}

function formatTable (cells: Results['cells']): string {
  const columns = Object.entries(cells).flatMap(([peer, directions]) => Object.entries(directions)
    .map(([direction, outcomes]) => ({ title: `${peer}, ${direction}`, outcomes })))
  const names = [...new Set(columns.flatMap(({ outcomes }) => Object.keys(outcomes)))]
  const row = (texts: string[]): string => `| ${texts.join(' | ')} |`

  return [
    row(['case', ...columns.map(({ title }) => title)]),
    row(['---', ...columns.map(() => '---')]),
    ...names.map(name => row([name, ...columns.map(({ outcomes }) => outcomes[name] ?? '')]))
  ].join('\n')
}

// mocha `require`s its reporter and wants the class itself
export { Report as 'module.exports' }
