/**
 * WebSockets to TCP, UDP and Unix sockets, and the other way round. Node only.
 */
export { bridge } from './bridge.ts'
export * as framings from './framings/index.ts'
export * as resolvers from './resolvers/index.ts'
export * as tunnel from './tunnel/index.ts'
export type { Bridge } from './bridge.ts'
export type { Framing, Message } from './framing.ts'
export type { BridgeAuth, BridgeLog, BridgeOptions, BridgeRules, LogLevel } from './options.ts'
export type { BridgeRequest } from './request.ts'
export type { Resolution, Resolver } from './resolver.ts'
export type { SubprotocolRule } from './subprotocol.ts'
