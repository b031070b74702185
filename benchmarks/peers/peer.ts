/**
 * What every peer looks like to the benchmarks: something that listens, connects, and gives out pipes of bytes. A
 * pipe is as thin as the peer allows, so that what is measured is the peer.
 */

/** What `Uint8Array` and `Uint8ArrayList` have in common. */
export interface Bytes {
  readonly byteLength: number
  subarray (start?: number, end?: number): Uint8Array
}

export interface Pipe {
  /** Set before the first byte can arrive. */
  ondata (data: Bytes): void
  /** `send` returned false, and may be called again now. */
  ondrain (): void
  /** Always takes the data; false asks to wait for `ondrain`. */
  send (data: Uint8Array): boolean
  /** Read no more, for good. */
  pause (): void
}

export interface Connection {
  /** The pipe of a raw connection; another stream of a multiplexed one. */
  open (): Promise<Pipe>
  /** Start to close, and do not wait for the end of it. */
  close (): void
}

/** One peer in one process, on one side. Addresses are ports of 127.0.0.1. */
export interface Peer {
  listen (onpipe: (pipe: Pipe) => void): Promise<number>
  connect (port: number): Promise<Connection>
}

/**
 * - `raw`: what is below an upgrader; one pipe per connection.
 * - `noise`, `plaintext`: two libp2p nodes with yamux and this encryption; a pipe is a stream.
 */
export type Layer = 'raw' | 'noise' | 'plaintext'

export interface Setup {
  layer: Layer
  /** With the settings of Noise and yamux that the README recommends, instead of their defaults. */
  tuned?: boolean
  /** Use TLS; PEM. Whoever connects trusts it already. */
  certificate?: Certificate
}

export interface Certificate {
  key: string
  cert: string
}

const idle = (): void => {}

/** A pipe without its handlers. */
export function createPipe (verbs: Pick<Pipe, 'send' | 'pause'>): Pipe {
  return { ondata: idle, ondrain: idle, ...verbs }
}

/** A connection that is its own only pipe. */
export function rawConnection (pipe: Pipe, close: () => void): Connection {
  return { open: async () => pipe, close }
}
