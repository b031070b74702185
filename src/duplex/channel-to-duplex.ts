import { CloseCode } from '../constants.ts'
import { ChannelSink } from './sink.ts'
import { ChannelSource } from './source.ts'
import type { Source } from './iterate.ts'
import type { Writable } from './sink.ts'
import type { Address } from '../address/address.ts'
import type { Channel } from '../channel/channel.ts'

export interface DuplexOptions {
  /**
   * Close the WebSocket when what is given to `sink` ends, with 1000, or throws, with 1011. With `false` it stays
   * open, `sink` may be called again, and somebody has to call `close`.
   *
   * @default true
   */
  closeOnEnd?: boolean
}

/** A WebSocket as an it-stream duplex. See `duplex`. */
export interface DuplexWebSocket {
  source: AsyncGenerator<Uint8Array, undefined, unknown>
  sink (source: Source<Writable>): Promise<void>
  /** Resolves at once: a channel is always connected. */
  connected (): Promise<void>
  /** Close with 1000, and wait for it; bounded in time, never rejects. */
  close (): Promise<void>
  /** End the socket now; unsent data is lost, and the peer sees a close with 1006. */
  destroy (): void
  /** IP, name or Unix socket path of this end. */
  localAddress: string
  /** 0 for a Unix socket. */
  localPort: number
  /** IP, name or Unix socket path of the other end. */
  remoteAddress: string
  /** 0 for a Unix socket. */
  remotePort: number
  /** The channel behind it. The duplex uses its `onmessage`, `ondrain`, `pause` and `resume`; leave those alone. */
  socket: Channel
}

/**
 * An open channel as a duplex in it-ws's shape, to be used in `pipe()`.
 *
 * - **Writing.** In message mode each value given to `sink` is one message, as is each empty one; a string is a text
 * message. In byte mode boundaries mean nothing, and a string is its UTF-8 bytes. Nothing is copied: do not reuse
 * a buffer that has been given away.
 * - **Reading.** `source` yields one message at a time, or in byte mode the bytes as they come in. A text message
 * is yielded as its UTF-8 bytes. Each value belongs to the reader. What arrived before the first read is kept.
 * - **Back-pressure.** `sink` takes no further value while the channel is saturated. With 64 KiB unread the channel
 * is paused, and so the peer is slowed. The peer's close is seen only after what it sent before.
 * - **The end.** Closes with 1000, 1001 or none (1005) end `source` and a pending `sink`, whose unsent values are
 * dropped. Any other end of the WebSocket raises `WebSocketClosedError` from both, from `source` after
 * what had arrived.
 * - **No half-close.** When `sink` ends so does the WebSocket, in both directions, and answers the peer has not sent
 * by then never come: use `closeOnEnd: false` to wait for them. What is on its way at that moment is still
 * yielded; if more than 4 MiB of it wait for a slow reader, `source` raises `WebSocketClosedError` rather than
 * end as if it were complete. So it does when the channel is closed by other means than this duplex, as by a server
 * that stops, while 64 KiB are unread.
 * - **Leaving early.** Breaking out of `source` ends reading only: later messages are dropped, the WebSocket stays
 * open for `sink` until `close` or `destroy`.
 *
 * @example an echo client
 *
 * ```typescript
 * import { dial } from 'ws-transport/channel'
 * import { duplex } from 'ws-transport/duplex'
 *
 * const { source, sink, close } = duplex(await dial('ws://127.0.0.1:8080'), { closeOnEnd: false })
 *
 * await sink(['hello'])
 * const { value } = await source.next()
 * await close()
 * ```
 *
 * @example connect and createServer of it-ws
 *
 * ```typescript
 * import { dial } from 'ws-transport/channel'
 * import { duplex } from 'ws-transport/duplex'
 * import { listen } from 'ws-transport/server'
 *
 * const server = await listen('/ip4/0.0.0.0/tcp/8080/ws', {}, (channel) => { onConnection(duplex(channel)) })
 * const client = duplex(await dial('ws://127.0.0.1:8080'))
 * ```
 */
export function duplex (channel: Channel, { closeOnEnd = true }: DuplexOptions = {}): DuplexWebSocket {
  const source = new ChannelSource(channel)
  const sink = new ChannelSink(channel)

  const close = async (code?: number): Promise<void> => {
    source.keepOnClose()
    await channel.close(code)
  }

  return {
    source: source.messages,
    sink: async (input) => {
      try {
        await sink.write(input)
      } catch (err) {
        if (closeOnEnd) {
          void close(CloseCode.INTERNAL_ERROR)
        }

        throw err
      }

      if (closeOnEnd) {
        await close()
        await sink.end()
      }
    },
    connected: async () => {},
    close: async () => { await close() },
    destroy: () => { channel.abort() },
    localAddress: hostOf(channel.local),
    localPort: channel.local.port,
    remoteAddress: hostOf(channel.remote),
    remotePort: channel.remote.port,
    socket: channel
  }
}

function hostOf ({ host, unixPath }: Address): string {
  return unixPath ?? host
}
