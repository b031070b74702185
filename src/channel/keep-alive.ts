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
    const reads = this.#peer.reads()
    // somebody who does not listen cannot tell silence from death
    const silent = reads === this.#reads && !this.#peer.paused()

    if (silent && this.#pinged) {
      this.#peer.ondead()
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
  reads(): number
  paused(): boolean
  ping(): void
  ondead(): void
}
