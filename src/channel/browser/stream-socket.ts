/**
 * `WebSocketStream`, which Chromium has from version 124 on: what is not read stops the peer, and a write ends when the
 * network has taken it. Chromium 156 crashes the page where the connection is lost during a write: hence an option.
 */
import { CloseCode } from '../../constants.ts'
import type { BrowserSocket, BrowserSocketSink, OpenSocket } from './socket.ts'

type Message = string | Uint8Array<ArrayBuffer>

/** Not in the libraries of TypeScript yet (https://websockets.spec.whatwg.org/#the-websocketstream-interface). */
interface WebSocketStream {
  readonly opened: Promise<{
    readable: ReadableStream<string | ArrayBuffer | Uint8Array<ArrayBuffer>>
    writable: WritableStream<Message>
    protocol: string
  }>
  readonly closed: Promise<CloseInfo>
  close (info: CloseInfo): void
}

interface CloseInfo {
  closeCode?: number | null
  reason?: string
}

type WebSocketStreamConstructor = new (url: string, options: { protocols: string[], signal: AbortSignal }) => WebSocketStream

export const openStream: OpenSocket = async (url, protocols, signal) => {
  const { WebSocketStream } = globalThis as unknown as { WebSocketStream: WebSocketStreamConstructor }
  const stream = new WebSocketStream(url, { protocols, signal })

  // whoever asks for it is told
  stream.closed.catch(() => {})
  const { readable, writable, protocol } = await stream.opened

  return new StreamSocket(stream, readable.getReader(), writable.getWriter(), protocol)
}

class StreamSocket implements BrowserSocket {
  readonly subprotocol: string
  unsent = 0

  readonly #stream: WebSocketStream
  readonly #reader: ReadableStreamDefaultReader<string | ArrayBuffer | Uint8Array<ArrayBuffer>>
  readonly #writer: WritableStreamDefaultWriter<Message>
  #sink: BrowserSocketSink | undefined
  #paused = true
  #reading = false
  /** Where `onwritable` is due. */
  #mark: number | undefined
  #lastWrite: Promise<void> = Promise.resolve()

  constructor (stream: WebSocketStream, reader: ReadableStreamDefaultReader<string | ArrayBuffer | Uint8Array<ArrayBuffer>>, writer: WritableStreamDefaultWriter<Message>, subprotocol: string) {
    this.#stream = stream
    this.#reader = reader
    this.#writer = writer
    this.subprotocol = subprotocol
  }

  start (sink: BrowserSocketSink): void {
    this.#sink = sink
    this.#writer.closed.catch(() => {})
    // settles when all messages are read, or at once if it failed
    this.#reader.closed.then(this.#onend, this.#onend)
  }

  write (message: Message): void {
    const size = message.length
    this.unsent += size
    this.#lastWrite = this.#writer.write(message).then(() => {
      this.unsent -= size
      this.#drain()
    }, ignore)
  }

  notify (mark: number): void {
    this.#mark = mark
    queueMicrotask(this.#drain)
  }

  pause (): void {
    this.#paused = true
  }

  resume (): void {
    this.#paused = false
    void this.#read()
  }

  close (closeCode: number, reason: string): void {
    void this.#lastWrite.then(() => { this.#end(closeCode, reason) })
  }

  abort (closeCode: number): void {
    this.#sink = undefined
    this.#end(closeCode, '')
    // what waits to be written is dropped, and what was not read
    this.#writer.abort().catch(ignore)
    this.#reader.cancel().catch(ignore)
  }

  async #read (): Promise<void> {
    if (this.#reading) {
      return
    }

    this.#reading = true

    try {
      while (!this.#paused) {
        const { value, done } = await this.#reader.read()

        if (done) {
          return
        }

        this.#sink?.onreceived(value)
      }
    } catch {
      // `closed` tells
    } finally {
      this.#reading = false
    }
  }

  readonly #drain = (): void => {
    if (this.#mark != null && this.unsent <= this.#mark) {
      this.#mark = undefined
      this.#sink?.onwritable()
    }
  }

  #end (closeCode: number, reason: string): void {
    try {
      this.#stream.close({ closeCode, reason })
    } catch {
      // it has ended by itself
    }
  }

  /** The last message has been handed over: its reaction is ahead of the one that follows here. */
  readonly #onend = (): void => {
    this.#stream.closed.then(info => { this.#tell(info, true) }, info => { this.#tell(info, false) })
  }

  #tell ({ closeCode, reason }: CloseInfo, wasClean: boolean): void {
    this.#sink?.onended(closeCode ?? (wasClean ? CloseCode.NO_STATUS : CloseCode.ABNORMAL), reason ?? '', wasClean)
  }
}

function ignore (): void {}
