import { canonicalHost, ipFamily, isZone } from './host.ts'
import { invalid } from './invalid.ts'
import { requestTarget } from './path.ts'
import type { Address } from './address.ts'

const IP4_IN_IP6 = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/

/**
 * The Address of one end of a TCP socket. IPv4 that came in on a dual-stack socket (`::ffff:1.2.3.4`) is IPv4 again.
 *
 * @param host - `remoteAddress` or `localAddress` of the socket, with its zone if it has one (`fe80::1%eth0`)
 * @param port - of the same end
 * @param tls - whether TLS is under the WebSocket
 * @param path - the request target, as received
 * @throws {InvalidMultiaddrError} `host` is not an IP address
 */
export function fromSocket (host: string, port: number, tls: boolean, path: string): Address {
  const [text, zone, ...rest] = host.split('%')
  const ip = ip4OfMapped(canonicalHost(text) ?? '')
  const family = ipFamily(ip)

  if (family === 0 || rest.length > 0 || (zone != null && (family !== 6 || !isZone(zone)))) {
    throw invalid(host, 'not the IP address of a socket')
  }

  return {
    host: ip,
    family,
    port,
    path: requestTarget(path),
    tls,
    ...(zone == null ? {} : { zone })
  }
}

/** The IPv4 address in an IPv4-mapped one (RFC 4291 section 2.5.5.2), in its canonical form; any other host as it is. */
export function ip4OfMapped (host: string): string {
  const [, ...words] = IP4_IN_IP6.exec(host) ?? []
  const bytes = words.map(word => Number.parseInt(word, 16)).flatMap(word => [word >> 8, word & 0xff])

  return bytes.length === 0 ? host : bytes.join('.')
}
