/** The sessions that go through one end of a tunnel. */
import { CloseCode } from '../../constants.ts'
import { Relay } from '../relay.ts'
import type { Endpoint } from '../endpoint.ts'

export class Sessions {
  readonly #open = new Set<Relay>()
  readonly #onerror: (error: Error) => void

  /** @param onerror - told of each session that fails */
  constructor (onerror: (error: Error) => void = () => {}) {
    this.#onerror = onerror
  }

  get size (): number {
    return this.#open.size
  }

  /** Join two endpoints until both are over. */
  add (a: Endpoint, b: Endpoint): void {
    const relay = new Relay(a, b)

    this.#open.add(relay)
    void relay.closed.then(({ end: { error } }) => {
      this.#open.delete(relay)

      if (error != null) {
        this.fail(`a session between ${a.remote} and ${b.remote} failed: ${error.message}`, error)
      }
    })
  }

  /** One that could not be opened. */
  fail (message: string, cause: Error): void {
    this.#onerror(new Error(message, { cause }))
  }

  /** Send what is under way, and end them, in bounded time. */
  async close (): Promise<void> {
    await Promise.all([...this.#open].map(async relay => relay.close(CloseCode.GOING_AWAY)))
  }
}
