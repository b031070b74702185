/**
 * Where a server is bound, and what to do about an address that cannot be.
 */
import { lookup } from 'node:dns/promises'
import { ListenError } from '@libp2p/interface'
import { formatAddress } from '../address/index.ts'
import type { Address } from '../address/index.ts'
import type { ListenOptions } from 'node:net'

const REMEDIES: Record<string, string> = {
  EADDRINUSE: 'another socket has it: stop that program, or choose another port',
  EADDRNOTAVAIL: 'this machine does not have it: use one of its own addresses, or a wildcard',
  EACCES: 'permission denied: choose a port above 1023'
}

/** Node reports a missing directory as EACCES too, and a path that is too long as EINVAL. */
const UNIX_REMEDIES: Record<string, string> = {
  EADDRINUSE: 'the path exists: stop the program that listens on it, or delete it if none does',
  EACCES: 'no such directory, or no permission to write to it',
  EINVAL: 'the path is too long for a socket'
}

/** For `listen` of `node:net`. A name is bound at its first address of the family asked for. */
export async function bindTarget ({ unixPath, host, family, zone, port }: Pick<Address, 'unixPath' | 'host' | 'family' | 'zone' | 'port'>): Promise<ListenOptions> {
  if (unixPath != null) {
    return { path: unixPath }
  }

  const { address } = await lookup(host, { family })

  return { host: zone == null ? address : `${address}%${zone}`, port, ipv6Only: family === 6 }
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
