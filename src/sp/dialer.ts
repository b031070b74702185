/**
 * Keeps one pipe to an address: dials, and dials again when the pipe has ended, however that came.
 */
import { sleep } from '../backoff.ts'
import type { Backoff } from '../backoff.ts'
import type { ChannelPipe } from './pipe.ts'

export class Dialer {
  readonly #connect: (signal: AbortSignal) => Promise<ChannelPipe>
  readonly #backoff: Backoff
  readonly #onfailed: (error: Error) => void
  readonly #stop = new AbortController()
  #pipe: ChannelPipe | undefined
  #kept: Promise<void> | undefined

  /**
   * @param connect - opens a pipe
   * @param backoff - the waits between dials
   * @param onfailed - told about each dial that failed
   */
  constructor (connect: (signal: AbortSignal) => Promise<ChannelPipe>, backoff: Backoff, onfailed: (error: Error) => void) {
    this.#connect = connect
    this.#backoff = backoff
    this.#onfailed = onfailed
  }

  /**
   * Open the first pipe, and keep one from then on.
   *
   * @throws {Error} the first dial failed; nothing is kept
   */
  async start (signal?: AbortSignal): Promise<void> {
    const { signal: stopped } = this.#stop

    await this.#open(signal == null ? stopped : AbortSignal.any([signal, stopped]))
    this.startInBackground()
  }

  /** Keep a pipe, from the first dial on. */
  startInBackground (): void {
    this.#kept = this.#keep()
  }

  async close (): Promise<void> {
    this.#stop.abort()
    await Promise.all([this.#pipe?.close(), this.#kept])
  }

  async #open (signal: AbortSignal): Promise<ChannelPipe> {
    const pipe = await this.#connect(signal)

    // it opened in the moment of the close
    if (this.#stop.signal.aborted) {
      await pipe.close()
    }

    this.#pipe = pipe

    return pipe
  }

  async #keep (): Promise<void> {
    const { signal } = this.#stop

    while (!signal.aborted) {
      try {
        await this.#outlive(this.#pipe ?? await this.#open(signal))
      } catch (error: any) {
        if (!signal.aborted) {
          this.#onfailed(error)
        }
      }

      this.#pipe = undefined
      await sleep(this.#backoff.next(), signal)
    }
  }

  /**
   * A pipe that brought something, or lived longer than the wait for it, is a success: PULL and SUB never send. A peer that
   * takes pipes only to end them is left alone for longer.
   */
  async #outlive ({ channel }: ChannelPipe): Promise<void> {
    const since = performance.now()
    await channel.closed

    if (channel.bytesIn > 0 || performance.now() - since > this.#backoff.bound) {
      this.#backoff.reset()
    }
  }
}
