/**
 * A TCP socket as the connection that a libp2p upgrader takes: the only file that knows both sides.
 */
import { once } from 'node:events'
import { BoundedConnection } from '../connection.ts'
import type { BoundedConnectionInit } from '../connection.ts'
import type { SendResult } from '@libp2p/utils'
import type { Socket } from 'node:net'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface SocketConnectionInit extends BoundedConnectionInit {
  /** Nobody else reads it any more, or ends it. */
  socket: Socket
}

export class SocketConnection extends BoundedConnection {
  readonly #socket: Socket
  #error?: Error
  #deadline?: NodeJS.Timeout

  constructor ({ socket, ...init }: SocketConnectionInit) {
    super(init)

    this.#socket = socket
    // libp2p knows no half-open connections
    socket.allowHalfOpen = false
    socket.setNoDelay(true)
    socket.setTimeout(0)
    socket.on('data', this.#ondata)
    socket.on('drain', () => {
      this.touch()
      this.safeDispatchEvent('drain')
    })
    socket.on('error', error => { this.#error = error })
    socket.on('end', () => { this.#onend() })
    socket.on('close', () => { this.#onclose() })
  }

  sendData (data: Uint8ArrayList): SendResult {
    let canSendMore = true
    this.#socket.cork()

    for (const part of data) {
      canSendMore = this.#socket.write(part)
    }

    this.#socket.uncork()

    return { sentBytes: data.byteLength, canSendMore }
  }

  /** Nobody takes what the peer may still send: the muxer has closed before. */
  async sendClose (): Promise<void> {
    if (this.#socket.destroyed) {
      return
    }

    this.#socket.removeListener('data', this.#ondata)
    this.#socket.resume()
    this.#socket.end()
    await once(this.#socket, 'close')
  }

  sendReset (): void {
    // Node cannot reset one that is ending, or a Unix socket
    if (this.#socket.writableEnded || this.#socket.remoteAddress == null) {
      this.#socket.destroy()
    } else {
      this.#socket.resetAndDestroy()
    }
  }

  sendPause (): void {
    this.#socket.pause()
  }

  sendResume (): void {
    this.#socket.resume()
  }

  readonly #ondata = (data: Buffer): void => {
    this.onData(data)
  }

  /** The peer is done. What it was sent may still leave, within the time of a close. */
  #onend (): void {
    this.#deadline = setTimeout(() => { this.#socket.destroy() }, this.closeTimeout)
    this.onTransportClosed()
  }

  #onclose (): void {
    clearTimeout(this.#deadline)

    if (this.#error == null) {
      this.onTransportClosed()
    } else {
      this.onRemoteReset(this.#error)
    }
  }
}
