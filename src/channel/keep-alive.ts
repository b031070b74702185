/**
 * Finds out whether a silent peer lives: a ping after `interval` ms without input, dead after `timeout` ms more.
 *
 * A paused channel reads nothing, so it cannot tell silence from death, and answers no ping. It sends an unsolicited
 * pong each interval instead (RFC 6455 section 5.5.3): the peer and whatever is between see that it lives.
 */
import { MAX_DELAY } from '../constants.ts'
import type { Inbound } from './inbound.ts'
import type { Outbound } from './outbound.ts'

export interface KeepAliveSink {
  /** The peer has been silent for this long, ms, in spite of a ping. */
  ondead(silence: number): void
}

export class KeepAlive {
  readonly #interval: number
  readonly #timeout: number
  readonly #inbound: Inbound
  readonly #outbound: Outbound
  readonly #sink: KeepAliveSink
  #timer: NodeJS.Timeout
  #verdict: NodeJS.Immediate | undefined
  /** The silence is counted from here. */
  #since = performance.now()
  /** When it is dead; undefined where it was not pinged. */
  #deadline: number | undefined

  constructor (interval: number, timeout: number, inbound: Inbound, outbound: Outbound, sink: KeepAliveSink) {
    this.#interval = interval
    this.#timeout = timeout
    this.#inbound = inbound
    this.#outbound = outbound
    this.#sink = sink
    this.#timer = this.#lookIn(interval)
  }

  stop (): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#verdict)
  }

  #lookIn (delay: number): NodeJS.Timeout {
    return setTimeout(this.#look, Math.min(delay, MAX_DELAY)).unref()
  }

  readonly #look = (): void => {
    if (this.#inbound.paused) {
      this.#since = performance.now()
      this.#deadline = undefined
      // first, because a write that fails stops it
      this.#timer = this.#lookIn(this.#interval)
      this.#outbound.pong()
    } else if (this.#deadline != null && isOver(this.#deadline - performance.now()) && this.#isSilent()) {
      // what came in while the process was busy is read before this
      this.#verdict = setImmediate(() => { this.#judge() })
    } else {
      this.#await()
    }
  }

  #judge (): void {
    if (this.#inbound.paused || !this.#isSilent()) {
      this.#look()
    } else {
      this.#sink.ondead(this.#interval + this.#timeout)
    }
  }

  #await (): void {
    const now = performance.now()

    if (!this.#isSilent()) {
      this.#since = this.#inbound.lastRead
      this.#deadline = undefined
    }

    const left = this.#since + this.#interval - now
    const ping = this.#deadline == null && isOver(left)

    if (ping) {
      this.#deadline = now + this.#timeout
    }

    // one that answers is pinged again in time, however long it might have taken
    this.#timer = this.#lookIn(this.#deadline == null ? left : Math.min(this.#interval, this.#deadline - now))

    if (ping) {
      this.#outbound.ping()
    }
  }

  #isSilent (): boolean {
    return this.#inbound.lastRead <= this.#since
  }
}

/** Timers are early by a fraction of a millisecond. */
function isOver (left: number): boolean {
  return left < 1
}
