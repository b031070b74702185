/**
 * `WebSocket`, which every browser has. It cannot be paused, and says only when asked how much it has not sent: while
 * somebody waits for that it is asked again when, at the pace seen so far, it should be so far.
 */
import { NextTask } from './next-task.ts'
import type { BrowserSocket, BrowserSocketSink, OpenSocket } from './socket.ts'

/** Between two looks at a WebSocket that sends nothing, ms. */
const MAX_WAIT = 20
/** And at one that sends: it does so in bursts, so its pace says little about the next moment. */
const MAX_EXPECTED = 2

export const openPlain: OpenSocket = async (url, protocols, signal) => {
  const webSocket = new WebSocket(url, protocols)
  const { promise, resolve, reject } = Promise.withResolvers<BrowserSocket>()

  signal.addEventListener('abort', () => { webSocket.close() }, { once: true })
  webSocket.binaryType = 'arraybuffer'
  webSocket.onopen = () => { resolve(new PlainSocket(webSocket)) }
  // an `error` event says nothing, and is followed by this one
  webSocket.onclose = ({ code, reason }) => { reject(new Error(`closed with code ${code}${reason === '' ? '' : ` (${reason})`}`)) }

  return promise
}

class PlainSocket implements BrowserSocket {
  readonly #webSocket: WebSocket
  #sink: BrowserSocketSink | undefined
  /** Looks how much is unsent, outside a timer, so that the next timer may be short. */
  readonly #look = new NextTask(() => { this.#onlook() })
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Where `onwritable` is due. */
  #mark: number | undefined
  #wait = 0
  #lookedAt = 0
  #unsentThen = 0

  constructor (webSocket: WebSocket) {
    this.#webSocket = webSocket
  }

  get subprotocol (): string {
    return this.#webSocket.protocol
  }

  get unsent (): number {
    // React Native has no `bufferedAmount`
    return this.#webSocket.bufferedAmount ?? 0
  }

  start (sink: BrowserSocketSink): void {
    this.#sink = sink
    this.#webSocket.onmessage = ({ data }) => { sink.onreceived(data) }
    this.#webSocket.onclose = ({ code, reason, wasClean }) => {
      this.#stop()
      sink.onended(code, reason, wasClean)
    }
  }

  write (message: string | Uint8Array<ArrayBuffer>): void {
    this.#webSocket.send(message)
  }

  notify (mark: number): void {
    const watching = this.#mark != null
    this.#mark = mark

    if (!watching) {
      this.#wait = 0
      this.#remember()
      this.#look.schedule()
    }
  }

  pause (): void {}

  resume (): void {}

  close (code: number, reason: string): void {
    this.#webSocket.close(code, reason)
  }

  abort (code: number): void {
    this.#stop()
    this.#webSocket.onmessage = null
    this.#webSocket.onclose = null
    this.#webSocket.close(code)
  }

  #onlook (): void {
    const mark = this.#mark ?? 0

    if (this.unsent <= mark) {
      this.#mark = undefined
      this.#sink?.onwritable()
      return
    }

    this.#wait = Math.min(Math.max(this.#expected(this.unsent - mark), 1), MAX_WAIT)
    this.#remember()
    this.#timer = setTimeout(() => { this.#look.schedule() }, this.#wait)
  }

  /** How long it will take to send so many bytes, ms; where nothing was sent since the last look, twice as long as then. */
  #expected (bytes: number): number {
    const sent = this.#unsentThen - this.unsent

    return sent > 0 ? Math.min(bytes * (performance.now() - this.#lookedAt) / sent, MAX_EXPECTED) : this.#wait * 2
  }

  #remember (): void {
    this.#lookedAt = performance.now()
    this.#unsentThen = this.unsent
  }

  #stop (): void {
    clearTimeout(this.#timer)
    this.#look.stop()
  }
}
