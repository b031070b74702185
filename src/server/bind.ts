/**
 * Where a server is bound, and what to do about an address that cannot be.
 */
import { lookup } from 'node:dns/promises'
import { ListenError } from '@libp2p/interface'
import { formatAddress } from '../address/index.ts'
import { BACKLOG } from '../constants.ts'
import type { Address } from '../address/index.ts'
import type { ListenOptions } from 'node:net'

const REMEDIES: Record<string, string> = {
  EADDRINUSE: 'another socket has it: stop that program, or choose another port',
  EADDRNOTAVAIL: 'this machine does not have it: use one of its own addresses, or a wildcard',
  EACCES: 'permission denied: choose a port above 1023',
  ENOTSUP: 'this system cannot share a port between processes: leave reusePort out'
}

/** Node reports a missing directory as EACCES too, and a path that is too long as EINVAL. */
const UNIX_REMEDIES: Record<string, string> = {
  EADDRINUSE: 'the path exists: stop the program that listens on it, or delete it if none does',
  EACCES: 'no such directory, or no permission to write to it',
  EINVAL: 'the path is too long for a socket'
}

export interface BindOptions {
  /**
   * Connections that the system holds until they are accepted; it has a limit of its own, on Linux `net.core.somaxconn`.
   *
   * @default 511
   */
  backlog?: number

  /**
   * Let other processes that say so too listen on the same port: the system spreads connections over them. Not for Unix
   * sockets. Linux, FreeBSD, with Node 22.12 or newer.
   *
   * @default false
   */
  reusePort?: boolean
}

/** For `listen` of `node:net`. A name is bound at its first address of the family asked for. */
export async function bindTarget ({ unixPath, host, family, zone, port }: Pick<Address, 'unixPath' | 'host' | 'family' | 'zone' | 'port'>, { backlog = BACKLOG, reusePort }: BindOptions = {}): Promise<ListenOptions> {
  if (unixPath != null) {
    return { path: unixPath, backlog }
  }

  const { address } = await lookup(host, { family })

  return { host: zone == null ? address : `${address}%${zone}`, port, ipv6Only: family === 6, backlog, reusePort }
}

/** Says which address, why not, and what to do. */
export function bindError (address: Address, cause: NodeJS.ErrnoException): ListenError {
  return namedBindError(formatAddress(address).toString(), address.unixPath != null, cause)
}

/** As `bindError`, for listeners whose address is none of a WebSocket. */
export function namedBindError (name: string, unix: boolean, cause: NodeJS.ErrnoException): ListenError {
  const remedies = unix ? UNIX_REMEDIES : REMEDIES
  const error = new ListenError(`Could not listen on ${name}: ${remedies[cause.code ?? ''] ?? cause.message}`)
  error.cause = cause

  return error
}
