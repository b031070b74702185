/**
 * Opens TCP, or a Unix socket. A name leads to all of its addresses at once, nearly: that of `net.connect` gives up on an
 * address that is slower than its delay, and only the last one has time.
 */
import { lookup as systemLookup } from 'node:dns'
import { isIP, connect as netConnect } from 'node:net'
import { AbortError } from '@libp2p/interface'
import { CONNECT_ATTEMPT_DELAY } from '../../constants.ts'
import { Race } from './race.ts'
import type { Attempt } from './attempt.ts'
import type { TcpOptions } from './options.ts'
import type { OpenSocket } from './race.ts'
import type { Address } from '../../address/index.ts'
import type { LookupAddress } from 'node:dns'
import type { NetConnectOpts, Socket, TcpNetConnectOpts } from 'node:net'

/** Where a TCP connection goes, be it a server or a proxy. */
export type Endpoint = Pick<Address, 'host' | 'family' | 'port' | 'zone' | 'unixPath'>

/**
 * What `open` makes is opened: TLS has a socket of its own, and is faster over that than over another.
 *
 * @returns a socket that is connected, but for TLS
 * @throws {Error} what failed in the stage `resolve` or, for a name with several addresses, `connect`
 */
export async function connectTcp (endpoint: Endpoint, options: TcpOptions, attempt: Attempt, open: OpenSocket<NetConnectOpts> = netConnect): Promise<Socket> {
  const { host, port, zone, unixPath } = endpoint
  const { localAddress, localPort } = options

  if (unixPath != null) {
    attempt.enter('connect')
    return connected(open({ path: unixPath }), attempt)
  }

  if (isIP(host) !== 0) {
    attempt.enter('connect')
    return connected(open({ host: zone == null ? host : `${host}%${zone}`, port, localAddress, localPort }), attempt)
  }

  const targets = (await resolve(endpoint, options, attempt)).map((address): TcpNetConnectOpts => ({ host: address, port, localAddress, localPort }))
  attempt.enter('connect')

  if (targets.length === 1) {
    return connected(open(targets[0]), attempt)
  }

  return attempt.hold(new Race(targets, open, options.attemptDelay ?? CONNECT_ATTEMPT_DELAY, socket => { takeOver(socket, attempt) })).winner
}

/**
 * The IP addresses of a name, families in turn from that which the system prefers (RFC 8305 section 4).
 *
 * @throws {Error} there are none of the family that the address or `localAddress` asks for
 */
export async function resolve ({ host, family }: Endpoint, { lookup = systemLookup, localAddress }: TcpOptions, attempt: Attempt): Promise<string[]> {
  attempt.enter('resolve')

  const wanted = family !== 0 ? family : isIP(localAddress ?? '')
  const found = (await lookedUp(host, wanted, lookup)).filter(address => isIP(address) !== 0 && (wanted === 0 || isIP(address) === wanted))

  if (attempt.over) {
    throw new AbortError(`The answer for ${host} came too late`)
  }

  if (found.length === 0) {
    throw new Error(`${host} has no ${wanted === 0 ? 'IP' : `IPv${wanted}`} address`)
  }

  return inTurn(found)
}

async function lookedUp (host: string, family: number, lookup: NonNullable<TcpOptions['lookup']>): Promise<string[]> {
  return new Promise((resolve, reject) => {
    lookup(host, { all: true, family }, (error: Error | null, found: string | LookupAddress[] = []) => {
      if (error != null) {
        reject(error)
      } else {
        resolve(typeof found === 'string' ? [found] : found.map(({ address }) => address))
      }
    })
  })
}

function inTurn (addresses: string[]): string[] {
  const first = addresses.filter(address => isIP(address) === isIP(addresses[0]))
  const second = addresses.filter(address => isIP(address) !== isIP(addresses[0]))

  return first.flatMap((address, index) => [address, ...second.slice(index, index + 1)]).concat(second.slice(first.length))
}

async function connected (socket: Socket, attempt: Attempt): Promise<Socket> {
  takeOver(socket, attempt)

  return new Promise(resolve => { socket.once('connect', () => { resolve(socket) }) })
}

/** From now on the socket lives no longer than the attempt, and an error of it is the end of both. */
function takeOver (socket: Socket, attempt: Attempt): void {
  attempt.hold(socket).on('error', attempt.fail)
}
