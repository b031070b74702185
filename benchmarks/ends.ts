/** Starts the two processes of a measurement, each on a CPU of its own where the system can do that, and calls them. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NODE_FLAGS } from './peers/index.ts'
import type { End, EndInit } from './end/end.ts'
import type { ChildProcess } from 'node:child_process'

const PROGRAM = fileURLToPath(new URL('end/end.ts', import.meta.url))
const CPUS = { client: '0', server: '1' }
const CALL_TIMEOUT = 120_000
const EXIT_TIMEOUT = 5_000

/** Whether the processes have a CPU each. */
export const pinned = Object.values(CPUS).every(cpu => spawnSync('taskset', ['-c', cpu, 'true']).status === 0)

export interface Ends {
  client: EndProcess
  server: EndProcess
}

/** Start both, with a CPU profile in the folder `profile` if there is one, hand them to `use`, and end them whatever happens. */
export async function withEnds<T> (init: EndInit, profile: string | undefined, use: (ends: Ends) => Promise<T>): Promise<T> {
  const ends: Ends = { client: new EndProcess(init, 'client', profile), server: new EndProcess(init, 'server', profile) }

  try {
    await Promise.all([ends.client.ready, ends.server.ready])

    return await use(ends)
  } finally {
    await Promise.all([ends.client.close(), ends.server.close()])
  }
}

export class EndProcess {
  readonly ready: Promise<unknown>
  readonly #child: ChildProcess
  readonly #calls = new Map<number, PromiseWithResolvers<any>>()

  constructor (init: EndInit, role: keyof Ends, profile?: string) {
    const profiling = profile == null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${role} ${init.peer.replaceAll('/', '_')} ${Date.now()}.cpuprofile`]
    const node = [process.execPath, '--expose-gc', '--no-warnings', ...NODE_FLAGS[init.peer] ?? [], ...profiling, PROGRAM, JSON.stringify(init)]
    const [command, ...args] = pinned ? ['taskset', '-c', CPUS[role], ...node] : node

    this.#child = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // loading libp2p takes longer than most measurements
      env: { NODE_COMPILE_CACHE: join(tmpdir(), 'ws-transport-benchmarks'), ...process.env }
    })
    this.ready = this.#reply()
    this.#child.on('message', ({ id, result, error }: any) => {
      const call = this.#calls.get(id)
      error == null ? call?.resolve(result) : call?.reject(new Error(error))
    })
    this.#child.on('error', (err) => { this.#fail(err) })
    this.#child.on('exit', (code, signal) => {
      this.#fail(new Error(`The process ended: ${signal ?? code}`))
    })
  }

  /** @throws {Error} the method threw, its process ended, or there was no answer in time */
  async call<M extends keyof End> (method: M, params?: Parameters<End[M]>[0]): Promise<Awaited<ReturnType<End[M]>>> {
    const timer = setTimeout(() => { this.#fail(new Error(`No answer to ${method} in ${CALL_TIMEOUT} ms`)) }, CALL_TIMEOUT)

    try {
      const reply = this.#reply()
      this.#child.send({ id: this.#calls.size - 1, method, params }, (err) => {
        if (err != null) {
          this.#fail(err)
        }
      })

      return await reply
    } finally {
      clearTimeout(timer)
    }
  }

  async close (): Promise<void> {
    if (this.#child.exitCode != null || this.#child.signalCode != null) {
      return
    }

    const timer = setTimeout(() => { this.#child.kill('SIGKILL') }, EXIT_TIMEOUT)
    const exited = once(this.#child, 'exit')
    this.#child.disconnect()
    await exited
    clearTimeout(timer)
  }

  async #reply (): Promise<any> {
    const call = Promise.withResolvers<any>()
    this.#calls.set(this.#calls.size, call)

    return call.promise
  }

  #fail (error: Error): void {
    for (const call of this.#calls.values()) {
      // does nothing to those that have been answered
      call.reject(error)
      call.promise.catch(() => {})
    }
  }
}
