/** A peer of the matrix: a process that does what the lines on its stdin say, and answers each with a line of JSON. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Program } from './build.ts'
import type { ChildProcess } from 'node:child_process'

/** Less than that of a test, so that it can say what the peer wrote. */
const ANSWER_TIMEOUT = 60_000

export interface PeerOptions {
  listen?: string[]
  /** PEM files; a certificate is used where it listens on secure addresses only. */
  cert?: string
  key?: string
  ca?: string
  /** More arguments. */
  args?: string[]
  env?: Record<string, string>
}

export interface Answers {
  dial: { peer: string, address: string }
  ping: { ms: number, peer: string }
  echo: { bytes: number }
  streams: { streams: number }
  perf: { seconds: number }
  close: object
}

export class Peer {
  id = ''
  /** With `/p2p` behind. */
  addresses: string[] = []
  readonly #child: ChildProcess
  readonly #waiting: Array<PromiseWithResolvers<any>> = []
  #stderr = ''

  /** @throws {Error} it did not start to listen, with what it wrote on stderr */
  static async start ({ command, args }: Program, options: PeerOptions = {}, wrapper: string[] = []): Promise<Peer> {
    const [first, ...rest] = [...wrapper, command, ...args, ...peerArguments(options), ...options.args ?? []]
    const peer = new Peer(spawn(first, rest, {
      env: {
        ...process.env,
        // the one thing that `@libp2p/websockets` trusts
        ...(options.ca == null ? {} : { NODE_EXTRA_CA_CERTS: options.ca }),
        ...options.env
      }
    }))
    const { peer: id, addresses } = await peer.#answer()

    peer.id = id
    peer.addresses = addresses

    return peer
  }

  private constructor (child: ChildProcess) {
    this.#child = child
    child.stderr?.on('data', (text) => { this.#stderr += text })
    // it may have ended
    child.stdin?.on('error', () => {})
    child.on('error', (err) => { this.#fail(err.message) })
    child.on('exit', (code, signal) => { this.#fail(`the peer ended: ${signal ?? code}`) })

    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const { error, ...answer } = JSON.parse(line)
      const asked = this.#waiting.shift()

      error == null ? asked?.resolve(answer) : asked?.reject(new Error(error))
    })
  }

  get pid (): number {
    return this.#child.pid ?? 0
  }

  get ended (): boolean {
    return this.#child.exitCode != null || this.#child.signalCode != null
  }

  /** @throws {Error} it could not, it ended, or it did not answer in time */
  async ask<V extends keyof Answers> (verb: V, ...words: Array<string | number>): Promise<Answers[V]> {
    const answer = this.#answer()

    this.#child.stdin?.write(`${[verb, ...words].join(' ')}\n`)

    return answer
  }

  /** Make it end without closing anything: it exits by itself, or is killed, now. */
  async end (how: 'exit' | 'kill'): Promise<void> {
    if (this.ended) {
      return
    }

    const exited = once(this.#child, 'exit')
    how === 'exit' ? this.#child.stdin?.write('exit\n') : this.#child.kill('SIGKILL')
    await exited
  }

  /** Stop the whole process, so that it neither reads nor writes, until it may go on. */
  freeze (): void {
    this.#child.kill('SIGSTOP')
  }

  thaw (): void {
    this.#child.kill('SIGCONT')
  }

  async #answer (): Promise<any> {
    const asked = Promise.withResolvers<any>()
    const timer = setTimeout(() => { asked.reject(new Error(`the peer did not answer in ${ANSWER_TIMEOUT} ms; ${this.#stderr}`)) }, ANSWER_TIMEOUT)

    this.#waiting.push(asked)

    try {
      return await asked.promise
    } finally {
      clearTimeout(timer)
    }
  }

  #fail (reason: string): void {
    this.#waiting.splice(0).forEach(({ reject }) => { reject(new Error(`${reason}; ${this.#stderr}`)) })
  }
}

function peerArguments ({ listen = [], cert, key, ca }: PeerOptions): string[] {
  // with a certificate py-libp2p speaks TLS on any address
  const pair = listen.some(address => /\/(tls|wss)/.test(address)) ? { cert, key } : {}

  return Object.entries({ listen: listen.length > 0 ? listen.join(',') : undefined, ...pair, ca })
    .flatMap(([name, value]) => value == null ? [] : [`--${name}`, value])
}
