export { dial } from './dial.ts'
export type { DialOptions, ProxyOptions, TcpOptions, TlsOptions } from './dial.ts'
export type { Channel, ChannelClose, ChannelMode, ChannelOptions, SendOptions } from './channel.ts'
export type { Address } from '../address/index.ts'
