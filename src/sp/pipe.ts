/**
 * The message view of a Channel: one peer of a socket.
 */
import { formatAddress } from '../address/index.ts'
import { CloseCode } from '../constants.ts'
import type { Outgoing } from './message.ts'
import type { Channel } from '../channel/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { IncomingHttpHeaders } from 'node:http'

/** Of the upgrade request or response. */
export interface UpgradeFacts {
  /** What the peer sent, names in lower case: its request where we listen, its response where we dialled. */
  readonly headers: IncomingHttpHeaders
  /** The target of the request, with its query. */
  readonly path: string
}

/** A peer, as users see it. */
export interface Pipe extends UpgradeFacts {
  /** Of this socket only. */
  readonly id: number
  readonly direction: 'inbound' | 'outbound'
  readonly local: Multiaddr
  readonly remote: Multiaddr
  /** End it; a dialler connects again. */
  close (): Promise<void>
}

/** Why a pipe is not read. */
export type PauseReason = 'inbox full' | 'saturated'

export interface PipeInit extends UpgradeFacts {
  id: number
  direction: 'inbound' | 'outbound'
  /** Whether it ends with a Close frame. */
  closeFrame: boolean
  /** Messages that may wait while the peer is slow. */
  sendBuffer: number
}

export class ChannelPipe implements Pipe {
  readonly id: number
  readonly direction: 'inbound' | 'outbound'
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly channel: Channel
  /** Its protocol has ended it: nothing more goes in or out. */
  ending = false
  readonly #closeFrame: boolean
  readonly #sendBuffer: number
  readonly #waiting: Outgoing[] = []
  readonly #pausedFor = new Set<PauseReason>()

  constructor (channel: Channel, init: PipeInit) {
    this.channel = channel
    this.id = init.id
    this.direction = init.direction
    this.path = init.path
    this.headers = init.headers
    this.#closeFrame = init.closeFrame
    this.#sendBuffer = init.sendBuffer
  }

  get local (): Multiaddr {
    return formatAddress(this.channel.local)
  }

  get remote (): Multiaddr {
    return formatAddress(this.channel.remote)
  }

  /** Messages can be sent, and leave soon. */
  get ready (): boolean {
    return this.open && !this.channel.needsDrain
  }

  get open (): boolean {
    return !this.ending && this.channel.status === 'open'
  }

  /** Only while `open`; there is room for it in any case. */
  send ({ data, text }: Outgoing): void {
    this.channel.send(data, { text })
  }

  /** Best effort: dropped where the peer is too slow, or gone. */
  offer (message: Outgoing): void {
    if (this.ready) {
      this.send(message)
    } else if (this.open && this.#waiting.length < this.#sendBuffer) {
      this.#waiting.push(message)
    }
  }

  /** Send what was offered while the peer was slow. */
  flush (): void {
    while (this.#waiting.length > 0 && this.ready) {
      this.send(this.#waiting.shift() as Outgoing)
    }
  }

  /** Not read for this reason, until it is gone. */
  pause (reason: PauseReason): void {
    this.#pausedFor.add(reason)
    this.channel.pause()
  }

  resume (reason: PauseReason): void {
    if (this.#pausedFor.delete(reason) && this.#pausedFor.size === 0) {
      this.channel.resume()
    }
  }

  /**
   * Send what the channel has, and end it; without Close frame it ends at once (nanomsg never dials again after one).
   *
   * @param code - 1000: done
   * @param reason - for the peer
   */
  async close (code: number = CloseCode.NORMAL, reason: string = ''): Promise<void> {
    this.ending = true
    this.#waiting.length = 0

    if (this.#closeFrame) {
      await this.channel.close(code, reason)
    } else {
      this.channel.abort()
      await this.channel.closed
    }
  }
}
