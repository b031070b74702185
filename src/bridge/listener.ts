/** What listeners of every kind have in common. */
import { fromSocket } from '../address/index.ts'
import type { DatagramEndpointOptions } from './datagram-endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import type { ClientEnds } from './proxy-header.ts'
import type { SocketEndpointOptions } from './socket-endpoint.ts'
import type { Target } from './target.ts'
import type { Address } from '../address/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { AddressInfo } from 'node:net'

export interface ListenTargetOptions extends SocketEndpointOptions, DatagramEndpointOptions {
  /**
   * Sessions at a time. Over it a new socket is closed at once, and a datagram from a new address is dropped.
   *
   * @default 10_000
   */
  maxSessions?: number

  /** Such a socket was closed, or such a datagram dropped. */
  onrefused? (remote: string): void
}

export interface TargetListener {
  /** With the real port; none once closed. */
  readonly addresses: Multiaddr[]

  /** Accept no more; the sessions stay. Resolves when the address is free: for UDP when its sessions are over. */
  close (): Promise<void>
}

/** Receives each session, and where its ends are. */
export type OnEndpoint = (endpoint: Endpoint, ends: ClientEnds) => void

/** What is listened on, with the port that the system chose. */
export function boundTarget <T extends Target> (target: T, bound: AddressInfo | string | null): T {
  return bound == null || typeof bound === 'string' ? target : { ...target, port: bound.port }
}

/** The Address of one end of a TCP or UDP socket; where it has been reset since, nobody can tell. */
export function addressOf (host: string = '0.0.0.0', port: number = 0): Address {
  return fromSocket(host, port, false, '/')
}

/** The Address of both ends of a Unix socket. */
export function unixAddress (path: string): Address {
  return { host: '', family: 0, port: 0, path: '/', tls: false, unixPath: path }
}

/** For people: host and port, IPv6 in brackets, or the path of a Unix socket. */
export function remoteName ({ host, port, unixPath }: Pick<Address, 'host' | 'port' | 'unixPath'>): string {
  if (unixPath != null) {
    return `unix:${unixPath}`
  }

  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
