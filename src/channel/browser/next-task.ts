/**
 * A task of its own: it runs after what this turn of the event loop still does, and before any timer. Timers of browsers
 * come after 4 ms at least when they follow each other, and once a second in a hidden tab.
 */
export class NextTask {
  readonly #run: () => void
  readonly #channel: MessageChannel | undefined
  #scheduled = false

  constructor (run: () => void) {
    this.#run = run
    // React Native has none
    this.#channel = typeof MessageChannel === 'undefined' ? undefined : new MessageChannel()

    if (this.#channel != null) {
      this.#channel.port1.onmessage = this.#onturn
    }
  }

  /** Run once, however often it is asked for until then. */
  schedule (): void {
    if (this.#scheduled) {
      return
    }

    this.#scheduled = true

    if (this.#channel == null) {
      setTimeout(this.#onturn)
    } else {
      this.#channel.port2.postMessage(undefined)
    }
  }

  /** Never run again. */
  stop (): void {
    this.#scheduled = false
    this.#channel?.port1.close()
  }

  readonly #onturn = (): void => {
    if (this.#scheduled) {
      this.#scheduled = false
      this.#run()
    }
  }
}
