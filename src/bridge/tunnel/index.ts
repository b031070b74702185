/**
 * TCP, UDP and Unix sockets over libp2p streams over Noise over WebSockets: both ends are proven by their peer ids, so a plain
 * `ws` address will do, without a certificate, a password or a shared secret.
 */
export { connect } from './connect.ts'
export { expose } from './expose.ts'
export { createKey, readKey } from './key.ts'
export { relay } from './relay.ts'
export type { Connected, ConnectOptions } from './connect.ts'
export type { Exposed, ExposeOptions } from './expose.ts'
export type { TunnelOptions } from './options.ts'
export type { RelayOptions, TunnelRelay } from './relay.ts'
