/**
 * The datagrams of one peer as an Endpoint: each is a message, empty ones too.
 *
 * As on any network, what cannot be taken is dropped: what comes while too much waits for a slow reader, and what the system
 * does not send, be it that nobody is there (ICMP), or that no route is.
 */
import { CLOSE_TIMEOUT, CloseCode, HIGH_WATER_MARK, LOW_WATER_MARK, MAX_DELAY, UDP_IDLE_TIMEOUT } from '../constants.ts'
import { MessageTooLargeError } from '../errors.ts'
import { BaseEndpoint } from './base-endpoint.ts'
import type { Endpoint } from './endpoint.ts'

/** What IPv4 has room for (RFC 768, RFC 791). */
const MAX_DATAGRAM = 65_507

/** Bytes that wait for a paused reader; about what Linux keeps for a socket. */
const MAX_HELD = 262_144

/** What a datagram costs beside its bytes, so that empty ones cannot pile up either. */
const OVERHEAD = 128

export interface DatagramEndpointOptions {
  /**
   * A peer to which and from which nothing came for this long is gone, ms; `Infinity` waits for ever. The default is
   * what a NAT has to keep at least (RFC 4787 section 4.3).
   *
   * @default 120_000
   */
  idleTimeout?: number
}

/** The socket under it, or a share in one. */
export interface DatagramPort {
  /** `done` is called when the system has taken it, or not. */
  send (data: Uint8Array, done: () => void): void
  close (): void
}

export class DatagramEndpoint extends BaseEndpoint implements Endpoint {
  readonly shape = 'messages'
  readonly halfClose = false

  readonly #port: DatagramPort
  readonly #idle: NodeJS.Timeout
  #paused = true
  #held: Uint8Array[] = []
  #heldSize = 0
  /** Bytes that the system has not taken. */
  #sending = 0
  #needsDrain = false
  #onsent: (() => void) | undefined
  #status: 'open' | 'closing' | 'closed' = 'open'

  constructor (port: DatagramPort, remote: string, options: DatagramEndpointOptions = {}) {
    super(remote)

    this.#port = port
    this.#idle = setTimeout(() => { this.#end() }, Math.min(options.idleTimeout ?? UDP_IDLE_TIMEOUT, MAX_DELAY))
  }

  /** A datagram came. */
  receive (data: Uint8Array): void {
    if (this.#status !== 'open') {
      return
    }

    this.#idle.refresh()

    if (!this.#paused) {
      this.onmessage?.(data, false)
    } else if (this.#heldSize < MAX_HELD) {
      this.#held.push(data)
      this.#heldSize += data.length + OVERHEAD
    }
  }

  send (data: Uint8Array): boolean {
    if (this.#status !== 'open') {
      return true
    }

    if (data.length > MAX_DATAGRAM) {
      this.#end(new MessageTooLargeError(data.length, MAX_DATAGRAM))
      return true
    }

    this.#idle.refresh()
    this.#sending += data.length + OVERHEAD
    this.#needsDrain ||= this.#sending >= HIGH_WATER_MARK
    this.#port.send(data, () => { this.#ondone(data.length + OVERHEAD) })

    return !this.#needsDrain
  }

  end (): void {
    void this.close()
  }

  pause (): void {
    this.#paused = true
  }

  resume (): void {
    this.#paused = false

    while (!this.#paused && this.#held.length > 0) {
      const data = this.#held.shift() as Uint8Array
      this.#heldSize -= data.length + OVERHEAD
      this.onmessage?.(data, false)
    }
  }

  async close (): Promise<void> {
    if (this.#status === 'open') {
      this.#status = 'closing'
      await this.#sent()
      this.#end()
    }

    await this.closed
  }

  abort (error: Error): void {
    this.#end(error)
  }

  #ondone (size: number): void {
    this.#sending -= size

    if (this.#sending === 0) {
      this.#onsent?.()
    }

    if (this.#needsDrain && this.#sending <= LOW_WATER_MARK && this.#status === 'open') {
      this.#needsDrain = false
      this.ondrain?.()
    }
  }

  /** Resolves when the system has all that was sent, or will not have it. */
  async #sent (): Promise<void> {
    if (this.#sending > 0) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, CLOSE_TIMEOUT)
        this.#onsent = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  #end (error?: Error): void {
    if (this.#status !== 'closed') {
      this.#status = 'closed'
      this.#held = []
      clearTimeout(this.#idle)
      this.#port.close()
      this.finish(error, error instanceof MessageTooLargeError ? CloseCode.TOO_BIG : undefined)
    }
  }
}
