import { canonicalHost, ipFamily, isZone } from './host.ts'
import type { Address } from './address.ts'
import type { Walk } from './walk.ts'
import type { Component } from '@multiformats/multiaddr'

/** Where to connect to; `port` is missing where the multiaddr has none. */
export type Endpoint = Pick<Address, 'host' | 'family' | 'zone' | 'unixPath'> & { port?: number }

/** Families of the components that hold a host; 0: either. */
const FAMILY = new Map<string, 0 | 4 | 6>([['ip4', 4], ['ip6', 6], ['dns', 0], ['dns4', 4], ['dns6', 6]])

/**
 * Read the part of a multiaddr that says where to connect to: host and port, or a Unix socket.
 *
 * @throws {InvalidMultiaddrError} anything else, or values that are not what their component says
 */
export function readEndpoint (walk: Walk): Endpoint {
  const unixPath = walk.takeValue('unix')

  if (unixPath != null) {
    if (unixPath.includes('\0')) {
      throw walk.refuse('/unix: a path cannot hold NUL')
    }

    return { host: '', family: 0, port: 0, unixPath }
  }

  const zone = readZone(walk)
  const host = zone == null ? walk.take(...FAMILY.keys()) : walk.take('ip6')

  if (host == null) {
    throw walk.unexpected(zone == null ? '/ip4, /ip6, /ip6zone, /dns, /dns4, /dns6 or /unix' : '/ip6')
  }

  const port = readPort(walk)

  return {
    ...readHost(walk, host),
    ...(zone == null ? {} : { zone }),
    ...(port == null ? {} : { port })
  }
}

function readZone (walk: Walk): string | undefined {
  const zone = walk.takeValue('ip6zone')

  if (zone != null && !isZone(zone)) {
    throw walk.refuse(`/ip6zone: ${JSON.stringify(zone)} is not the name of a zone`)
  }

  return zone
}

function readHost (walk: Walk, component: Component): Pick<Address, 'host' | 'family'> {
  const value = walk.valueOf(component)
  const family = FAMILY.get(component.name) ?? 0
  const host = canonicalHost(value) ?? ''
  const ip = ipFamily(host)
  const isIp = component.name === 'ip4' || component.name === 'ip6'
  // An IPv4 address in /dns or /dns4 is common, and harmless: it resolves to itself
  const fits = isIp ? ip === family : ip === 0 || (ip === 4 && family !== 6)

  if (host === '' || !fits) {
    throw walk.refuse(`/${component.name}: ${JSON.stringify(value)} is not ${isIp ? `an IPv${family} address` : 'a DNS name; IP addresses go in /ip4 or /ip6'}`)
  }

  return { host, family: isIp || ip === 0 ? family : ip }
}

function readPort (walk: Walk): number | undefined {
  const port = walk.takeValue('tcp')

  // multiaddr checks this itself, but lets `NaN` through
  if (port != null && !/^\d+$/.test(port)) {
    throw walk.refuse(`/tcp: ${JSON.stringify(port)} is not a port`)
  }

  return port == null ? undefined : Number(port)
}
