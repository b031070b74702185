/** The end of an endpoint: told once, also to those who ask later. */
import { CloseCode } from '../constants.ts'
import type { EndpointEnd } from './endpoint.ts'

export class Ending {
  /** Resolves with the end. */
  readonly over: Promise<EndpointEnd>
  readonly #resolve: (end: EndpointEnd) => void
  #end: EndpointEnd | undefined
  #onclose: ((end: EndpointEnd) => void) | undefined

  constructor () {
    const { promise, resolve } = Promise.withResolvers<EndpointEnd>()
    this.over = promise
    this.#resolve = resolve
  }

  get onclose (): ((end: EndpointEnd) => void) | undefined {
    return this.#onclose
  }

  set onclose (onclose) {
    const end = this.#end

    if (end != null && this.#onclose == null) {
      queueMicrotask(() => { this.#onclose?.(end) })
    }

    this.#onclose = onclose
  }

  /** Only the first counts. */
  end (error?: Error, code: number = error == null ? CloseCode.NORMAL : CloseCode.BAD_GATEWAY): void {
    if (this.#end == null) {
      this.#end = { code, reason: '', error }
      this.#resolve(this.#end)
      this.#onclose?.(this.#end)
    }
  }
}
