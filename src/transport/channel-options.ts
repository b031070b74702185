import type { ChannelOptions } from '../channel/channel.ts'
import type { CommonDialOptions } from '../channel/dialling/options.ts'
import type { WebSocketsInit } from '../index.ts'

/** What dialled and accepted channels of a transport have in common. */
export function channelOptions (init: WebSocketsInit): ChannelOptions & { handshakeTimeout?: number } {
  const { maxBufferedAmount, maxMessage, handshakeTimeout, closeTimeout, keepAlive, keepAliveTimeout } = init

  return { mode: 'bytes', highWaterMark: maxBufferedAmount, maxMessage, handshakeTimeout, closeTimeout, keepAlive, keepAliveTimeout }
}

/** What is of dials only. */
export function dialOptions ({ tcp, tls, proxy, proxyEnv, maxRedirects, headers, webSocketStream }: WebSocketsInit): CommonDialOptions {
  return { tcp, tls, proxy, proxyEnv, maxRedirects, headers, webSocketStream }
}
