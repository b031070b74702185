/**
 * What browsers refuse to dial. Pure: the origin of the page is handed in.
 */
import type { Address } from './address.ts'

/** https://fetch.spec.whatwg.org/#port-blocking */
const BLOCKED_PORTS = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540,
  548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566,
  6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080
])

/** Why a browser cannot dial this at all; undefined where it can. */
export function impossibleInBrowser ({ unixPath, zone }: Address): string | undefined {
  if (unixPath != null) {
    return 'a browser cannot open Unix sockets'
  }

  return zone == null ? undefined : 'a browser cannot dial into an IPv6 zone'
}

/**
 * Why a browser would refuse to dial this; undefined where it would not. Some browsers have settings that allow it. The
 * origin is that of the page or worker: `self.origin`.
 */
export function refusedByBrowser ({ host, port, tls }: Address, origin: string = ''): string | undefined {
  if (BLOCKED_PORTS.has(port)) {
    return `browsers block port ${port}: let the node listen on another`
  }

  // https://www.w3.org/TR/mixed-content/
  if (!tls && origin.startsWith('https:') && !isLoopback(host)) {
    return `a page from ${origin} may not open ws: connections to other machines: dial a /tls/ws address, or load the page over http:`
  }
}

/** Where a browser connects to: it takes no server name beside a host. */
export function hostInBrowser ({ host, serverName }: Address): string {
  return serverName ?? host
}

/** https://www.w3.org/TR/secure-contexts/#is-origin-trustworthy */
export function isLoopback (host: string): boolean {
  return host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host) || /^(?:.*\.)?localhost\.?$/.test(host)
}
