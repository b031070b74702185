/** A TCP or Unix stream socket as an Endpoint. */
import { CloseDeadline } from '../channel/close-deadline.ts'
import { unwritten } from '../channel/unwritten.ts'
import { CLOSE_TIMEOUT, CloseCode, HIGH_WATER_MARK, LOW_WATER_MARK } from '../constants.ts'
import { BaseEndpoint } from './base-endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import type { Socket } from 'node:net'

export interface SocketEndpointOptions {
  /**
   * From `close` to the end of the socket, ms; then it is destroyed, unless a good part of what was queued has left in
   * that time.
   *
   * @default 3_000
   */
  closeTimeout?: number
}

export class SocketEndpoint extends BaseEndpoint implements Endpoint {
  readonly shape = 'bytes'
  readonly halfClose = true

  readonly #socket: Socket
  readonly #closeTimeout: number
  #needsDrain = false
  #closing = false
  #deadline: CloseDeadline | undefined
  #error: Error | undefined

  /**
   * @param socket - connected, made with `allowHalfOpen` and, so that nothing is lost, paused; owned from now on
   * @param remote - who is there
   * @param options - limits
   */
  constructor (socket: Socket, remote: string, options: SocketEndpointOptions = {}) {
    super(remote)

    this.#socket = socket
    this.#closeTimeout = options.closeTimeout ?? CLOSE_TIMEOUT
    // nothing of a session is held back to go with more, and a peer that is gone is noticed some day
    socket.setNoDelay(true)
    socket.setKeepAlive(true)
    socket.pause()
    socket.on('data', this.#ondata)
    socket.on('end', this.#onsocketend)
    socket.on('error', this.#onerror)
    socket.on('close', this.#onsocketclose)
  }

  /** For `CloseDeadline`. */
  get size (): number {
    return this.#socket.writableLength
  }

  /** For `CloseDeadline`. */
  get unwritten (): number {
    return unwritten(this.#socket)
  }

  send (data: Uint8Array): boolean {
    if (this.#socket.writable && data.length > 0) {
      this.#socket.write(data, this.#onwritten)
      this.#needsDrain ||= this.#socket.writableLength >= HIGH_WATER_MARK
    }

    return !this.#needsDrain
  }

  end (): void {
    this.#socket.end()
  }

  pause (): void {
    if (!this.#closing) {
      this.#socket.pause()
    }
  }

  resume (): void {
    this.#socket.resume()
  }

  async close (code: number = CloseCode.NORMAL): Promise<void> {
    if (!this.#closing && !this.#socket.destroyed) {
      this.#closing = true
      this.#deadline = new CloseDeadline(this, this.#socket.writableLength, this.#closeTimeout, () => { this.#socket.destroy() })

      if (code === CloseCode.NORMAL || code === CloseCode.GOING_AWAY) {
        this.#socket.end()
      } else {
        this.#resetWhenWritten()
      }

      // its end is behind whatever it still sends
      this.#socket.resume()
    }

    await this.closed
  }

  abort (error: Error): void {
    this.#error ??= error
    reset(this.#socket)
  }

  /** The other side must not take what came for all there was. */
  #resetWhenWritten (): void {
    if (this.#socket.writableLength === 0) {
      reset(this.#socket)
    } else {
      // called behind everything that waits
      this.#socket.write('', () => { reset(this.#socket) })
    }
  }

  readonly #ondata = (data: Uint8Array): void => {
    if (!this.#closing) {
      this.onmessage?.(data, false)
    }
  }

  readonly #onwritten = (error?: Error | null): void => {
    if (this.#needsDrain && error == null && this.#socket.writableLength <= LOW_WATER_MARK) {
      this.#needsDrain = false
      this.ondrain?.()
    }
  }

  readonly #onsocketend = (): void => {
    this.onend?.()
  }

  readonly #onerror = (error: Error): void => {
    this.#error ??= error
  }

  readonly #onsocketclose = (): void => {
    this.#deadline?.stop()
    this.finish(this.#error)
  }
}

/** TLS and Unix sockets have no reset, and an ended socket has nothing to tell any more. */
function reset (socket: Socket): void {
  if (socket.writableEnded || socket.remoteAddress == null) {
    socket.destroy()
  } else {
    socket.resetAndDestroy()
  }
}
