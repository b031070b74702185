/**
 * What a socket can be told; docs/sp.md has the names that NNG and nanomsg have for it.
 */
import { SP_HIGH_WATER_MARK, SP_MAX_FRAME, SP_MAX_MESSAGE, SP_RECEIVE_BUFFER, SP_RECONNECT, SP_SEND_BUFFER } from '../constants.ts'
import type { ChannelOptions, DialOptions as ChannelDialOptions } from '../channel/index.ts'
import type { AttachOptions, HttpServerOptions, HttpServers } from '../server/index.ts'

export interface SocketOptions {
  /**
   * Largest message accepted, bytes, header included; over it the pipe closes with 1009. `Infinity` is what NNG has.
   *
   * @default 1_048_576
   */
  maxMessage?: number

  /**
   * Largest frame sent, bytes, 0: no limit. NNG refuses frames over 1 MiB, nanomsg messages over 1 MiB.
   *
   * @default 65_536
   */
  maxFrame?: number

  /**
   * Unsent bytes from which on a pipe is not ready for more. Less spreads work more evenly over slow peers, more rides
   * out longer stalls; it is held once for each stalled peer.
   *
   * @default 131_072
   */
  highWaterMark?: number

  /**
   * Messages that wait to be received. After that a peer is not read (PAIR, PULL, REP, RESPONDENT: one message more for
   * each), or messages are dropped (SUB, BUS, SURVEYOR).
   *
   * @default 128
   */
  receiveBuffer?: number

  /**
   * The longest wait of a `receive` or `request` that says nothing else, ms.
   *
   * @default Infinity
   */
  receiveTimeout?: number

  /**
   * The longest wait of a `send` that says nothing else, ms.
   *
   * @default Infinity
   */
  sendTimeout?: number

  /**
   * A dial that failed, or a pipe that ended, however that was, is dialled again after a random time up to this, ms.
   *
   * @default 1_000
   */
  reconnectMin?: number

  /**
   * With each dial in vain the time doubles, up to this, ms; 0: it stays the same.
   *
   * @default 0
   */
  reconnectMax?: number

  /**
   * Leave as WebSocket text messages; bodies must be UTF-8, and protocols whose headers are not refuse it. NNG closes with
   * 1003 when it gets text. Text that comes in is taken in any case, as its bytes.
   *
   * @default false
   */
  text?: boolean

  /**
   * End pipes with a Close frame. nanomsg never dials again after one: `false` drops the connection instead, and what
   * had not been sent with it.
   *
   * @default true
   */
  closeFrame?: boolean

  /**
   * Ping a peer that is silent for this long, ms. Never where the peer may be nanomsg: it takes a ping for a message,
   * and answers none.
   *
   * @default 0
   */
  keepAlive?: number

  /** A pinged peer that stays silent for this long is dead, ms; see `ChannelOptions`. */
  keepAliveTimeout?: number

  /** From our Close frame to the end of the socket, ms; see `ChannelOptions`. */
  closeTimeout?: number

  /** Closes the socket when it fires. */
  signal?: AbortSignal
}

/** PUB, BUS and SURVEYOR. */
export interface BestEffortOptions extends SocketOptions {
  /**
   * Messages that wait for a slow peer, beyond what `highWaterMark` lets its pipe hold, before the next is dropped.
   *
   * @default 16
   */
  sendBuffer?: number
}

/** PUSH and PAIR. */
export interface BufferedOptions extends SocketOptions {
  /**
   * Messages that wait for a pipe while `send` has resolved already; they are lost if the socket closes.
   *
   * @default 0
   */
  sendBuffer?: number
}

export interface DialOptions extends Pick<ChannelDialOptions, 'signal' | 'handshakeTimeout' | 'tls' | 'headers'> {
  /**
   * Resolve at once and go on in the background where the first dial fails, too: each failure is a `pipe:refuse` event.
   *
   * @default false
   */
  background?: boolean
}

export interface ListenOptions extends HttpServerOptions, AttachOptions {
  /** Headers of the response that accepts a pipe. */
  headers?: Record<string, string>

  /**
   * Listeners with the same one share ports, told apart by path: other sockets, libp2p's.
   *
   * @default a port of its own
   */
  servers?: HttpServers
}

type Optional = 'signal' | 'keepAliveTimeout' | 'closeTimeout'
export type Resolved = Required<Omit<BestEffortOptions, Optional>> & Pick<SocketOptions, Optional>

/** With the defaults; that of `sendBuffer` is for best effort. */
export function resolveOptions (options: BestEffortOptions): Resolved {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))

  return {
    maxMessage: SP_MAX_MESSAGE,
    maxFrame: SP_MAX_FRAME,
    highWaterMark: SP_HIGH_WATER_MARK,
    receiveBuffer: SP_RECEIVE_BUFFER,
    receiveTimeout: Infinity,
    sendTimeout: Infinity,
    sendBuffer: SP_SEND_BUFFER,
    reconnectMin: SP_RECONNECT,
    reconnectMax: 0,
    text: false,
    closeFrame: true,
    keepAlive: 0,
    ...given
  }
}

/** Of the channels under a socket. */
export function channelOptions ({ maxMessage, maxFrame, highWaterMark, keepAlive, keepAliveTimeout, closeTimeout }: Resolved): ChannelOptions {
  return { mode: 'messages', maxMessage, maxFrame, highWaterMark, keepAlive, keepAliveTimeout, closeTimeout }
}
