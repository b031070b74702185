/**
 * Bounds the time of a close. A peer that reads slowly may have what is queued, as long as a tenth of it leaves in each
 * period; one that does not read is left after one period.
 */
import { TimeoutError } from '@libp2p/interface'
import { MAX_DELAY } from '../constants.ts'

/** Where the progress of a close is seen. */
export interface Progress {
  /** Bytes that count as unsent until the write that they are in has ended. */
  readonly size: number
  /** Of these, bytes that have not left; it goes down bit by bit. */
  readonly unwritten: number
}

const PROGRESS = 0.1

export class CloseDeadline {
  readonly #outbound: Progress
  readonly #queued: number
  readonly #period: number
  readonly #onexpired: () => void
  #timer: NodeJS.Timeout

  /**
   * @param outbound - where progress is seen
   * @param queued - bytes that are to leave before the Close frame
   * @param period - the close timeout, ms
   * @param onexpired - ends the socket
   */
  constructor (outbound: Progress, queued: number, period: number, onexpired: () => void) {
    this.#outbound = outbound
    this.#queued = queued
    this.#period = Math.min(period, MAX_DELAY)
    this.#onexpired = onexpired
    this.#timer = this.#start()
  }

  stop (): void {
    clearTimeout(this.#timer)
  }

  #start (): NodeJS.Timeout {
    const { size, unwritten } = this.#outbound

    return setTimeout(() => {
      // what is queued is in two writes at most, so the end of one counts, however small it was
      const progress = this.#outbound.size < size || unwritten - this.#outbound.unwritten > this.#queued * PROGRESS

      if (this.#queued > 0 && progress) {
        this.#timer = this.#start()
      } else {
        this.#onexpired()
      }
    }, this.#period)
  }
}

/** The error of a channel that was left; `sent`: the peer has all up to our Close frame, and it is that which has no answer. */
export function closeTimedOut (address: string, sent: boolean, timeout: number): TimeoutError {
  const missing = sent ? 'no answer to the Close frame' : 'no progress with what was sent before it'

  return new TimeoutError(`Could not close ${address}: ${missing} for ${timeout} ms`)
}
