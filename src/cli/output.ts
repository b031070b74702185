/**
 * What a person or a program gets to see: data on stdout, talk on stderr. The formatters are pure.
 */
import { styleText } from 'node:util'

export interface Writer {
  write (data: string | Uint8Array): unknown
  /** A person is watching. */
  isTTY?: boolean
}

/** What a command may touch of the process. */
export interface IO {
  stdout: Writer
  stderr: Writer
  env: Record<string, string | undefined>
  /** Fires when the user wants to stop. */
  signal: AbortSignal
  /**
   * Call `listener` each time the user asks for the configuration to be read again; returns how to stop that. Without a
   * listener such a request ends the process.
   */
  onReload? (listener: () => void): () => void
}

export interface Output {
  /** A labelled line of the readable form. */
  row (label: string, value: string): void
  rows (values: Record<string, string>): void
  /** A line of the readable form, bare. */
  line (text: string): void
  /** A document of the JSON form, on one line. */
  json (document: unknown): void
  /** Talk: what is going on right now. */
  talk (text: string): void
}

export interface Progress {
  /** Call it with the bytes done so far, as often as it suits. */
  update (done: number): void
  /** The transfer is over, or failed: the bar makes room for what is written next. */
  end (): void
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB']
const LABEL_WIDTH = 12
const BAR_WIDTH = 30
/** Go to the start of the line, and erase to its end. */
const ERASE_LINE = '\r\x1b[K'
/** Between two redraws of the bar, ms. */
const REDRAW_INTERVAL = 100

/** One of the two forms: with `json` the readable calls write nothing, without it `json()` writes nothing. */
export function output (io: IO, json: boolean): Output {
  const dim = painter(io.stdout, io.env)

  const line = (text: string): void => {
    if (!json) {
      io.stdout.write(`${text}\n`)
    }
  }
  const row = (label: string, value: string): void => { line(`${dim(label.padEnd(LABEL_WIDTH))}${value}`) }

  return {
    line,
    row,
    rows: (values) => { Object.entries(values).forEach(([label, value]) => { row(label, value) }) },
    json: (document) => { if (json) { io.stdout.write(`${JSON.stringify(document)}\n`) } },
    talk: (text) => { io.stderr.write(`${text}\n`) }
  }
}

/** Shows how far a transfer of `total` bytes is: a bar where a person watches, else a line at each quarter. */
export function progress (io: IO, label: string, total: number, now: () => number = () => performance.now()): Progress {
  return isTerminal(io.stderr, io.env) ? movingBar(io.stderr, label, total, now) : quarters(io.stderr, label, total)
}

function movingBar (writer: Writer, label: string, total: number, now: () => number): Progress {
  const started = now()
  let drawn = -Infinity

  return {
    update: (done) => {
      const time = now()

      if (done >= total || time - drawn >= REDRAW_INTERVAL) {
        drawn = time
        const rate = formatRate(done / Math.max(time - started, 1) * 1_000)
        writer.write(`${ERASE_LINE}${label.padEnd(LABEL_WIDTH)}${bar(done, total)} ${percent(done, total)}  ${rate}`)
      }
    },
    end: () => { writer.write(ERASE_LINE) }
  }
}

function quarters (writer: Writer, label: string, total: number): Progress {
  let told = 0

  return {
    update: (done) => {
      const reached = Math.floor(fraction(done, total) * 4)

      if (reached > told) {
        told = reached
        writer.write(`${label}: ${reached * 25} % of ${formatBytes(total)}\n`)
      }
    },
    end: () => {}
  }
}

/** `done` of `total` as a bar of `width` characters. */
export function bar (done: number, total: number, width: number = BAR_WIDTH): string {
  const full = Math.floor(width * fraction(done, total))
  return '█'.repeat(full) + '░'.repeat(width - full)
}

/** Bytes with three digits and a binary unit: `64.0 MiB`. */
export function formatBytes (bytes: number): string {
  let unit = 0

  while (bytes >= 999.5 && unit < UNITS.length - 1) {
    bytes /= 1_024
    unit++
  }

  return `${unit === 0 ? Math.round(bytes) : bytes.toPrecision(3)} ${UNITS[unit]}`
}

/** Bytes per second with three digits and a binary unit: `312 MiB/s`. */
export function formatRate (bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`
}

/** Milliseconds with three digits and the unit that suits: `0.421 ms`, `1.20 s`, `2 min 5 s`. */
export function formatDuration (ms: number): string {
  if (ms < 999.5) {
    return `${ms.toPrecision(3)} ms`
  }

  const seconds = Math.round(ms / 1_000)

  return seconds < 60 ? `${(ms / 1_000).toPrecision(3)} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/**
 * A byte count from a number with an optional unit: `1048576`, `64MiB`, `1.5 GB`.
 *
 * @returns undefined for anything else, and for more than a number holds exactly
 */
export function parseBytes (text: string): number | undefined {
  const [, digits, prefix, binary] = /^(\d+(?:\.\d+)?)\s*(?:([kmgt]?)(i?)b?)$/i.exec(text.trim()) ?? []

  if (digits == null || (binary !== '' && prefix === '')) {
    return undefined
  }

  const power = ['', 'k', 'm', 'g', 't'].indexOf(prefix.toLowerCase())
  const bytes = Math.round(Number(digits) * (binary === '' ? 1_000 : 1_024) ** power)

  return Number.isSafeInteger(bytes) ? bytes : undefined
}

function percent (done: number, total: number): string {
  return `${Math.floor(fraction(done, total) * 100)} %`.padStart(5)
}

function fraction (done: number, total: number): number {
  return total === 0 ? 1 : Math.min(done / total, 1)
}

/** A person is watching, on something that knows control sequences. */
function isTerminal (writer: Writer, env: IO['env']): boolean {
  return writer.isTTY === true && env.TERM !== 'dumb'
}

/** Dims text for a person who did not refuse colour (no-color.org). */
function painter (writer: Writer, env: IO['env']): (text: string) => string {
  const colour = isTerminal(writer, env) && (env.NO_COLOR ?? '') === ''
  return colour ? (text) => styleText('dim', text, { validateStream: false }) : (text) => text
}
