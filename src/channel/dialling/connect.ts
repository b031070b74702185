/**
 * From an address to a socket that the upgrade request can go over: TCP, through a proxy or not, and TLS.
 */
import { isIP } from 'node:net'
import { chooseProxy, connectThrough } from './proxy.ts'
import { connectTcp } from './tcp.ts'
import { openTls, prepareTls, secure, secured } from './tls.ts'
import type { Attempt } from './attempt.ts'
import type { DialOptions } from './options.ts'
import type { Proxy } from './proxy.ts'
import type { PreparedTls } from './tls.ts'
import type { Address } from '../../address/index.ts'
import type { Socket } from 'node:net'

/** How to get to an address, with nothing opened yet. */
export interface Route {
  address: Address
  options: DialOptions
  proxy: Proxy | undefined
  tls: PreparedTls | undefined
}

/**
 * Look through the options, because in the stages of a socket a bad one would look like a failed connection.
 *
 * @throws {Error} one that cannot be used
 */
export function prepareRoute (address: Address, options: DialOptions): Route {
  const { localAddress, localPort = 0 } = options.tcp ?? {}

  if (localAddress != null && isIP(localAddress) === 0) {
    throw new Error(`tcp.localAddress: ${JSON.stringify(localAddress)} is not an IP address`)
  }

  if (!Number.isInteger(localPort) || localPort < 0 || localPort > 65_535) {
    throw new Error(`tcp.localPort: ${localPort} is not a port`)
  }

  return {
    address,
    options,
    proxy: chooseProxy(address, options),
    tls: address.tls ? prepareTls(address.host, address.serverName, options.tls) : undefined
  }
}

/** @throws {Error} what failed in the stage of `attempt` */
export async function connect ({ address, options, proxy, tls }: Route, attempt: Attempt): Promise<Socket> {
  attempt.proxy = proxy?.name

  const { tcp = {} } = options

  if (tls == null) {
    return proxy == null ? connectTcp(address, tcp, attempt) : connectThrough(proxy, address, options, attempt)
  }

  if (proxy == null) {
    const socket = await connectTcp(address, tcp, attempt, target => openTls(tls, target))
    attempt.enter('tls')

    return secured(socket, tls, attempt)
  }

  const socket = await connectThrough(proxy, address, options, attempt)
  attempt.enter('tls')

  return secure(socket, tls, attempt)
}
