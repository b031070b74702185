/**
 * Messages that wait for a pipe that can take them, in order. A few may wait without their sender, who waits with all
 * others: that is the back pressure of PUSH and PAIR.
 */
import { Queue } from './queue.ts'
import { Waiter, throwIfAborted } from './waiter.ts'
import type { Outgoing } from './message.ts'
import type { BufferedOptions } from './options.ts'
import type { Pipes } from './pipes.ts'
import type { WaitOptions } from './waiter.ts'

interface Entry {
  message: Outgoing
  waiter?: Waiter<void>
}

export class Outbox {
  readonly #pipes: Pipes
  readonly #limit: number
  readonly #timeout: number
  readonly #entries = new Queue<Entry>()

  /**
   * @param pipes - take a message each, in turns
   * @param options - of the socket
   * @param options.sendBuffer - messages whose senders need not wait
   * @param options.sendTimeout - the longest wait of a `send` that says nothing else, ms
   */
  constructor (pipes: Pipes, { sendBuffer = 0, sendTimeout = Infinity }: BufferedOptions) {
    this.#pipes = pipes
    this.#limit = sendBuffer
    this.#timeout = sendTimeout
  }

  /**
   * Resolves when the message is with a pipe, or one of the first that wait.
   *
   * @throws {Error} what it was closed with, `AbortError`, `TimeoutError`; the message will not be sent
   */
  async send (message: Outgoing, { signal, timeout = this.#timeout }: WaitOptions): Promise<void> {
    throwIfAborted({ signal })

    if (this.#entries.length === 0 && this.#deliver(message)) {
      return
    }

    const entry: Entry = { message }
    const waits = this.#entries.length >= this.#limit
    this.#entries.push(entry)

    if (waits) {
      entry.waiter = new Waiter<void>('pipe that takes the message', { signal, timeout }, () => { this.#entries.delete(entry) })
      await entry.waiter.promise
    }
  }

  /** A pipe is ready: hand on what waits. */
  flush (): void {
    for (let entry = this.#entries.at(0); entry != null && this.#deliver(entry.message); entry = this.#entries.at(0)) {
      this.#entries.shift()
      entry.waiter?.resolve()
      // one more is among the first
      this.#entries.at(this.#limit - 1)?.waiter?.resolve()
    }
  }

  /** Drop what waits. */
  close (error: Error): void {
    this.#entries.clear().forEach(({ waiter }) => { waiter?.reject(error) })
  }

  /** Hand it to the next pipe; false where none is ready. */
  #deliver (message: Outgoing): boolean {
    const pipe = this.#pipes.nextReady()
    pipe?.send(message)

    return pipe != null
  }
}
