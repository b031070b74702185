/**
 * Finds out whether a silent peer lives: a ping after `interval` ms without input, dead after `timeout` ms more.
 */
export class KeepAlive {
  readonly #interval: number
  readonly #timeout: number
  readonly #peer: KeepAlivePeer
  #timer: NodeJS.Timeout
  #reads = 0
  #pinged = false

  constructor (interval: number, timeout: number, peer: KeepAlivePeer) {
    this.#interval = interval
    this.#timeout = timeout
    this.#peer = peer
    this.#timer = setTimeout(this.#check, interval).unref()
  }

  stop (): void {
    clearTimeout(this.#timer)
  }

  readonly #check = (): void => {
    const { reads, paused } = this.#peer
    // somebody who does not listen cannot tell silence from death
    const silent = reads === this.#reads && !paused

    if (silent && this.#pinged) {
      this.#peer.ondead(this.#interval + this.#timeout)
      return
    }

    this.#reads = reads
    this.#pinged = silent

    if (silent) {
      this.#peer.ping()
    }

    this.#timer = setTimeout(this.#check, silent ? this.#timeout : this.#interval).unref()
  }
}

export interface KeepAlivePeer {
  /** Counts whatever comes in. */
  readonly reads: number
  readonly paused: boolean
  ping(): void
  /** It has been silent for this long, ms, in spite of a ping. */
  ondead(silence: number): void
}
