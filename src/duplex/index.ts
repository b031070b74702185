/**
 * WebSockets for it-stream: a channel as a duplex, and any duplex as a connection that an upgrader can take.
 */
export { duplex } from './channel-to-duplex.ts'
export { duplexToConnection } from './duplex-to-connection.ts'
export type { DuplexOptions, DuplexWebSocket } from './channel-to-duplex.ts'
export type { ByteDuplex, DuplexConnectionInit } from './duplex-to-connection.ts'
export type { Source } from './iterate.ts'
export type { Writable } from './sink.ts'
