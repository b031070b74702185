/** An end that comes once, and is told once, also to those who ask later. */
export abstract class Ending<T> {
  /** Resolves with the end. */
  readonly closed: Promise<T>
  readonly #resolve: (end: T) => void
  #end: T | undefined
  #onclose: ((end: T) => void) | undefined
  /** `onclose` was called. */
  #told = false

  constructor () {
    const { promise, resolve } = Promise.withResolvers<T>()

    this.closed = promise
    this.#resolve = resolve
  }

  get onclose (): ((end: T) => void) | undefined {
    return this.#onclose
  }

  set onclose (onclose) {
    this.#onclose = onclose

    if (this.#end != null) {
      queueMicrotask(() => { this.#tell() })
    }
  }

  protected get ended (): boolean {
    return this.#end != null
  }

  /** It is over. Only the first call counts. */
  protected conclude (end: T): void {
    if (this.#end == null) {
      this.#end = end
      this.#resolve(end)
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
