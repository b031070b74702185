/** A libp2p stream as an Endpoint: its bytes, or the datagrams framed in them. */
import { ConnectionClosedError, InvalidMessageError, TimeoutError } from '@libp2p/interface'
import { CloseDeadline } from '../../channel/close-deadline.ts'
import { CLOSE_TIMEOUT, CloseCode, MAX_DELAY } from '../../constants.ts'
import { MessageTooLargeError } from '../../errors.ts'
import { BaseEndpoint } from '../base-endpoint.ts'
import { DatagramReader, frameDatagram, MAX_DATAGRAM } from './datagrams.ts'
import type { Endpoint } from '../endpoint.ts'
import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'

export interface StreamEndpointOptions {
  /**
   * From `close` to the end of the stream, ms; then it is reset, unless a good part of what was queued has left in that time.
   *
   * @default 3_000
   */
  closeTimeout?: number

  /**
   * A stream of bytes on which nothing moves for this long is reset, ms. Datagrams come from endpoints that end by themselves.
   *
   * @default Infinity
   */
  idleTimeout?: number
}

export class StreamEndpoint extends BaseEndpoint implements Endpoint {
  readonly shape: 'bytes' | 'messages'
  readonly halfClose: boolean

  readonly #stream: Stream
  readonly #closeTimeout: number
  readonly #idle: NodeJS.Timeout | undefined
  readonly #datagrams: DatagramReader | undefined
  #deadline: CloseDeadline | undefined
  #paused = true
  #closing = false
  #ended = false
  /** Each side has said that it sends no more. A stream whose connection was lost is closed as well, without that. */
  #remoteEnded: boolean
  #localEnded = false

  /**
   * @param stream - open, and not read yet; owned from now on
   * @param shape - `messages` are datagrams, each with a length in front
   * @param remote - who is there
   * @param options - limits
   */
  constructor (stream: Stream, shape: 'bytes' | 'messages', remote: string, options: StreamEndpointOptions = {}) {
    super(remote)

    this.shape = shape
    this.halfClose = shape === 'bytes'
    this.#stream = stream
    this.#closeTimeout = options.closeTimeout ?? CLOSE_TIMEOUT
    this.#datagrams = shape === 'bytes' ? undefined : new DatagramReader()

    if (shape === 'bytes' && options.idleTimeout != null && options.idleTimeout !== Infinity) {
      this.#idle = setTimeout(this.#onidle, Math.min(options.idleTimeout, MAX_DELAY))
    }

    // the muxer's window, which a pause leaves as it is, bounds what is held; a lower limit would end a stream that waits
    stream.maxReadBufferLength = Infinity
    pause(stream)
    this.#remoteEnded = stream.remoteWriteStatus === 'closed'
    stream.addEventListener('remoteCloseWrite', this.#onremoteclosewrite)
    stream.addEventListener('message', this.#onstreammessage)
    stream.addEventListener('drain', this.#onstreamdrain)
    stream.addEventListener('end', this.#onstreamend)
    stream.addEventListener('close', this.#onstreamclose)

    if (stream.timeline.close != null) {
      this.#over(new Error('the stream was reset'))
    }
  }

  /** For `CloseDeadline`. */
  get size (): number {
    return this.#stream.writeBufferLength
  }

  /** For `CloseDeadline`. */
  get unwritten (): number {
    return this.#stream.writeBufferLength
  }

  send (data: Uint8Array): boolean {
    if (this.#stream.writeStatus !== 'writable' || (this.#datagrams == null && data.length === 0)) {
      return true
    }

    if (this.#datagrams != null && data.length > MAX_DATAGRAM) {
      this.abort(new MessageTooLargeError(data.length, MAX_DATAGRAM))
      return true
    }

    this.#idle?.refresh()

    return this.#stream.send(this.#datagrams == null ? data : frameDatagram(data))
  }

  end (): void {
    if (this.halfClose) {
      this.#closeWrite()
    } else {
      void this.close()
    }
  }

  pause (): void {
    if (!this.#closing && !this.#paused) {
      this.#paused = true
      pause(this.#stream)
    }
  }

  resume (): void {
    this.#paused = false
    this.#deliver()

    if (!this.#paused) {
      resume(this.#stream)
      // behind what the stream has delivered in there
      this.#deliver()
    }
  }

  async close (code: number = CloseCode.NORMAL): Promise<void> {
    if (!this.#closing && this.#stream.timeline.close == null) {
      this.#closing = true
      this.#deadline = new CloseDeadline(this, this.size, this.#closeTimeout, () => { this.abort(new TimeoutError(`the peer has not ended the stream within ${this.#closeTimeout} ms`)) })

      if (code === CloseCode.NORMAL || code === CloseCode.GOING_AWAY) {
        this.#closeWrite()
      } else {
        this.#resetWhenWritten()
      }
    }

    // the end of the stream is behind whatever still comes, which is dropped
    this.resume()
    await this.closed
  }

  abort (error: Error): void {
    this.#stream.abort(error)
    this.#over(error)
  }

  #closeWrite (): void {
    this.#localEnded = true
    // what keeps it from that is told by the end of the stream
    this.#stream.close().catch(() => {})
  }

  /** The peer must not take what came for all there was. */
  #resetWhenWritten (): void {
    const reset = (): void => { this.abort(new Error('the other side of the tunnel failed')) }

    if (this.#stream.writeBufferLength === 0) {
      reset()
    } else {
      this.#stream.addEventListener('idle', reset, { once: true })
    }
  }

  readonly #onstreammessage = ({ data }: StreamMessageEvent): void => {
    this.#idle?.refresh()

    if (this.#closing) {
      return
    }

    if (this.#datagrams == null) {
      this.onmessage?.(data.subarray(), false)
    } else {
      this.#datagrams.push(data)
      this.#deliver()
    }
  }

  /** What came together, until one datagram of it is too many for the reader; behind all of it the end. */
  #deliver (): void {
    while (!this.#paused && !this.#closing) {
      const datagram = this.#datagrams?.next()

      if (datagram == null) {
        break
      }

      this.onmessage?.(datagram, false)
    }

    if (!this.#paused && this.#remoteEnded && this.#stream.readableEnded && !this.#ended) {
      this.#finish()
    }
  }

  /** The peer sends no more, and everything has been read. */
  #finish (): void {
    this.#ended = true

    if (this.#datagrams?.incomplete === true && !this.#closing) {
      this.abort(new InvalidMessageError('the stream ended within a datagram'))
    } else if (!this.halfClose) {
      this.#closeWrite()
    } else if (!this.#closing) {
      this.onend?.()
    }

    if (this.#stream.status === 'closed') {
      this.#over()
    }
  }

  readonly #onremoteclosewrite = (): void => {
    this.#remoteEnded = true
  }

  readonly #onstreamdrain = (): void => {
    // all streams are woken when the connection has drained. This one sends what it holds in a microtask of its own, and
    // may still have to wait; a reader that goes on regardless fills it without bound
    queueMicrotask(() => {
      if (!this.#stream.writableNeedsDrain) {
        this.ondrain?.()
      }
    })
  }

  /** Comes for a stream that was reset as well. */
  readonly #onstreamend = (): void => {
    if (this.#remoteEnded && this.#stream.status !== 'aborted' && this.#stream.status !== 'reset') {
      this.#deliver()
    }
  }

  /** A stream that ended well may have more to read: then it is over when that has been done. */
  readonly #onstreamclose = ({ error }: StreamCloseEvent): void => {
    if (error != null || !this.#remoteEnded || !this.#localEnded) {
      this.#over(error ?? new ConnectionClosedError('the connection was lost'))
    } else if (this.#ended) {
      this.#over()
    }
  }

  readonly #onidle = (): void => {
    this.abort(new TimeoutError('nothing moved on the stream for too long'))
  }

  #over (error?: Error): void {
    clearTimeout(this.#idle)
    this.#deadline?.stop()
    this.#stream.removeEventListener('remoteCloseWrite', this.#onremoteclosewrite)
    this.#stream.removeEventListener('message', this.#onstreammessage)
    this.#stream.removeEventListener('drain', this.#onstreamdrain)
    this.#stream.removeEventListener('end', this.#onstreamend)
    this.#stream.removeEventListener('close', this.#onstreamclose)
    this.finish(error)
  }
}

/** Streams throw where there is nothing left to pause. */
function pause (stream: Stream): void {
  if (stream.readStatus === 'readable') {
    stream.pause()
  }
}

function resume (stream: Stream): void {
  if (stream.readStatus === 'paused') {
    stream.resume()
  }
}
