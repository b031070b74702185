/** One direction of a relay: what comes from one endpoint goes to the other, at its pace. */
import { Feed } from '../duplex/feed.ts'
import type { Endpoint } from './endpoint.ts'
import type { Framing } from './framing.ts'

export interface Pump {
  /** Payload bytes that came in. */
  readonly bytes: number
  /** The other endpoint can take more. */
  drained (): void
  /** Nothing more comes in; resolves when everything that did has been sent. */
  finish (): Promise<void>
  /** Nothing more can be sent. */
  stop (): void
}

/** Passes on what comes in as it comes, without a promise or a copy. */
export class DirectPump implements Pump {
  bytes = 0
  readonly #from: Endpoint

  constructor (from: Endpoint, to: Endpoint) {
    this.#from = from
    from.onmessage = (data, text) => {
      this.bytes += data.length

      if (!to.send(data, text)) {
        from.pause()
      }
    }
  }

  drained (): void {
    this.#from.resume()
  }

  async finish (): Promise<void> {}

  stop (): void {
    this.#from.onmessage = () => {}
    this.#from.resume()
  }
}

/** Passes on what a framing makes of what comes in. */
export class FramedPump implements Pump {
  bytes = 0
  readonly #from: Endpoint
  readonly #to: Endpoint
  readonly #feed: Feed<Uint8Array>
  readonly #finished: Promise<void>
  #stopped = false
  #drained: PromiseWithResolvers<void> | undefined

  /**
   * @param from - where it comes from
   * @param to - where it goes
   * @param framing - makes messages of it
   * @param onerror - called once with what `framing` throws
   */
  constructor (from: Endpoint, to: Endpoint, framing: Framing, onerror: (error: Error) => void) {
    this.#from = from
    this.#to = to
    this.#feed = new Feed({
      onTaken: () => { from.resume() },
      onReturn: () => { this.stop() }
    })
    from.onmessage = data => {
      this.bytes += data.length

      if (!this.#feed.put(data)) {
        from.pause()
      }
    }
    this.#finished = this.#pump(framing).catch(error => { onerror(error) })
  }

  drained (): void {
    this.#drained?.resolve()
  }

  async finish (): Promise<void> {
    this.#feed.end()
    await this.#finished
  }

  stop (): void {
    if (!this.#stopped) {
      this.#stopped = true
      this.#from.onmessage = () => {}
      this.#from.resume()
      this.#feed.fail(new Error('stopped'))
      this.#drained?.resolve()
    }
  }

  async #pump (framing: Framing): Promise<void> {
    for await (const { data, text } of framing(this.#feed)) {
      if (this.#stopped) {
        return
      }

      if (!this.#to.send(data, text)) {
        this.#drained = Promise.withResolvers()
        await this.#drained.promise
      }
    }
  }
}
