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
  /** `onclose` was called. */
  #told = false

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
    this.#onclose = onclose

    if (this.#end != null) {
      queueMicrotask(() => { this.#tell() })
    }
  }

  /** It is over. Only the first call counts. */
  protected conclude (error?: Error, code: number = error == null ? CloseCode.NORMAL : CloseCode.BAD_GATEWAY): void {
    if (this.#end == null) {
      this.#end = { code, reason: '', error }
      this.#resolve(this.#end)
      this.#tell()
    }
  }

  #tell (): void {
    if (this.#end != null && this.#onclose != null && !this.#told) {
      this.#told = true
      this.#onclose(this.#end)
    }
  }
}
