/**
 * Hosts in the one spelling that multiaddrs, URLs, certificates and `Host` headers share: that of the URL standard.
 */

// Checked before URL sees the text, because it repairs silently: it drops tabs and decodes escapes.
const IP6_CHARACTERS = /^[\dA-Fa-f:.]+$/
const NAME_CHARACTERS = /^[\w.\-\u0080-\u{10ffff}]+$/u

const NAME = /^([\w-]+\.)*[\w-]+\.?$/
/** As every socket writes it. */
const CANONICAL_IP4 = /^(?:(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])(?:\.(?!$)|$)){4}$/

const IP4 = /^\d+(\.\d+){3}$/

/** 4 or 6 for a canonical IP address, 0 for a name. */
export function ipFamily (host: string): 0 | 4 | 6 {
  if (host.includes(':')) {
    return 6
  }

  return IP4.test(host) ? 4 : 0
}

/**
 * An IP address or DNS name in canonical form: lower case, IPv6 compressed and without brackets, other scripts in
 * Punycode.
 *
 * @returns undefined for anything that is neither, and for numbers that URL takes for IPv4 (`127.1`)
 */
export function canonicalHost (text: string): string | undefined {
  // to parse a URL for each socket would be a good part of what it costs to accept one
  if (CANONICAL_IP4.test(text)) {
    return text
  }

  const isIp6 = IP6_CHARACTERS.test(text) && text.includes(':')

  if (!isIp6 && !NAME_CHARACTERS.test(text)) {
    return
  }

  const url = `ws://${isIp6 ? `[${text}]` : text}`

  if (!URL.canParse(url)) {
    return
  }

  const { hostname } = new URL(url)

  if (isIp6) {
    return hostname.slice(1, -1)
  }

  return NAME.test(hostname) && (ipFamily(hostname) === 0 || hostname === text) ? hostname : undefined
}

/** Port of a URL or multiaddr that names none (RFC 6455 section 3). */
export function defaultPort (tls: boolean): number {
  return tls ? 443 : 80
}

/** Whether this names an IPv6 zone: printable, and without the `/` and `%` that end it in a multiaddr or socket address. */
export function isZone (text: string): boolean {
  return /^[!-$&-.0-~]+$/.test(text)
}
