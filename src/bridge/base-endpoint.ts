/** What all endpoints have in common but that of a Channel: an end that is told once, also to those who ask later. */
import { CloseCode } from '../constants.ts'
import type { EndpointEnd } from './endpoint.ts'

export abstract class BaseEndpoint {
  readonly remote: string
  onmessage: ((data: Uint8Array, text: boolean) => void) | undefined
  ondrain: (() => void) | undefined
  onend: (() => void) | undefined
  /** Resolves with the end. */
  protected readonly over: Promise<EndpointEnd>
  readonly #resolve: (end: EndpointEnd) => void
  #end: EndpointEnd | undefined
  #onclose: ((end: EndpointEnd) => void) | undefined

  constructor (remote: string) {
    const { promise, resolve } = Promise.withResolvers<EndpointEnd>()

    this.remote = remote
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

  /** It is over. Only the first call counts. */
  protected conclude (error?: Error, code: number = error == null ? CloseCode.NORMAL : CloseCode.BAD_GATEWAY): void {
    if (this.#end == null) {
      this.#end = { code, reason: '', error }
      this.#resolve(this.#end)
      this.#onclose?.(this.#end)
    }
  }
}
