/** The program as users have it, a child process, and in this process where it talks to nodes of the test. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { run } from '../../src/cli/cli.ts'
import { startNode } from '../../src/cli/node.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import type { NodeInit } from '../../src/cli/node.ts'
import type { IO } from '../../src/cli/output.ts'
import type { Libp2p } from '@libp2p/interface'

const BIN = fileURLToPath(new URL('../../src/cli/bin.ts', import.meta.url))

export interface Result {
  code: number
  stdout: string
  stderr: string
}

export interface Program {
  /** What it wrote so far. */
  readonly stdout: string
  readonly stderr: string
  /** The next line it writes to stdout. */
  line (): Promise<string>
  /** Resolves when it has written this to stderr. */
  logged (text: string): Promise<void>
  kill (signal: NodeJS.Signals): void
  /** Stop reading what it writes, as a reader does that goes away. */
  closeStdout (): void
  closeStderr (): void
  result: Promise<Result>
}

/** Start the program; `imports` are modules that it loads first, `env` is added to the environment. */
export function start (args: string[], imports: string[] = [], env: Record<string, string> = {}): Program {
  const child = spawn(process.execPath, [...imports.flatMap(module => ['--import', module]), BIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const exited = once(child, 'close')
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  let stdout = ''
  let stderr = ''

  child.stdout.on('data', (data) => { stdout += data })
  child.stderr.on('data', (data) => { stderr += data })
  cleanUp(async () => {
    child.kill('SIGKILL')
    await exited
  })

  return {
    get stdout () { return stdout },
    get stderr () { return stderr },
    line: async () => {
      const { done, value } = await lines.next()

      if (done === true) {
        throw new Error(`the program has ended: ${stderr}`)
      }

      return value
    },
    logged: async (text) => {
      while (!stderr.includes(text)) {
        await once(child.stderr, 'data')
      }
    },
    kill: (signal) => { child.kill(signal) },
    closeStdout: () => { child.stdout.destroy() },
    closeStderr: () => { child.stderr.destroy() },
    result: exited.then(([code]) => ({ code, stdout, stderr }))
  }
}

/** Run the program to its end. */
export async function program (...args: string[]): Promise<Result> {
  return start(args).result
}

/** Run a command in this process. */
export async function inProcess (args: string[], io: Partial<IO> = {}): Promise<Result> {
  const [stdout, stderr] = [recorder(), recorder()]
  const code = await run(args, { stdout, stderr, env: {}, signal: new AbortController().signal, ...io })

  return { code, stdout: stdout.text, stderr: stderr.text }
}

/** Keeps what is written to it. */
export function recorder (isTTY: boolean = false): { text: string, isTTY: boolean, write (data: string | Uint8Array): void } {
  return {
    text: '',
    isTTY,
    write (data) { this.text += typeof data === 'string' ? data : Buffer.from(data).toString('latin1') }
  }
}

/** A node that is stopped after the test. */
export async function testNode (init?: NodeInit): Promise<Libp2p> {
  const node = await startNode(init)
  cleanUp(async () => { await node.stop() })

  return node
}

/** The path of a file that is gone after the test. */
export async function file (name: string, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ws-transport-'))
  cleanUp(async () => { await rm(folder, { recursive: true }) })

  const path = join(folder, name)
  await writeFile(path, text)

  return path
}
