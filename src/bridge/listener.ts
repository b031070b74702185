/** What listeners of every kind have in common. */
import { fromSocket } from '../address/index.ts'
import type { DatagramEndpointOptions } from './datagram-endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import type { ClientEnds } from './proxy-header.ts'
import type { SocketEndpointOptions } from './socket-endpoint.ts'
import type { Target } from './target.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { AddressInfo, Socket } from 'node:net'

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

/** Receives each session, and where its ends are, as far as that is known. */
export type OnEndpoint = (endpoint: Endpoint, ends: ClientEnds) => void

/** What is listened on, with the port that the system chose. */
export function boundTarget <T extends Target> (target: T, bound: AddressInfo | string | null): T {
  return bound == null || typeof bound === 'string' ? target : { ...target, port: bound.port }
}

/** Where a TCP socket is; nothing where it has been reset since. */
export function endsOf ({ remoteAddress, remotePort, localAddress, localPort }: Socket): ClientEnds {
  return remoteAddress == null || localAddress == null
    ? {}
    : { remote: fromSocket(remoteAddress, remotePort ?? 0, false, '/'), local: fromSocket(localAddress, localPort ?? 0, false, '/') }
}

/** Host and port, IPv6 in brackets. */
export function remoteName (host: string = '', port: number = 0): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
