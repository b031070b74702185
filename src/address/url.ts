/**
 * `ws:` and `wss:` URLs. They say less than an Address: no zone, address family, Unix socket or peer id, and only one of
 * server name and host.
 */
import { canonicalHost, defaultPort, ipFamily } from './host.ts'
import { invalid } from './invalid.ts'
import { requestTarget } from './path.ts'
import type { Address } from './address.ts'

const IP6_ZONE = /^\w+:\/*\[[^\]]*%/

/**
 * The URL of the opening request: its host is the one for the `Host` header, so the server name where there is one, and
 * `localhost` for a Unix socket. Not always where to connect to: the zone is left out too.
 */
export function toUrl (address: Address): URL {
  const scheme = address.tls ? 'wss' : 'ws'
  const port = address.unixPath == null ? `:${address.port}` : ''

  return new URL(`${scheme}://${urlHost(address)}${port}${address.path}`)
}

/**
 * @param input - absolute `ws:` or `wss:` URL; the port defaults to 80 or 443
 * @throws {InvalidMultiaddrError} not a URL, another scheme, a host that is neither IP nor DNS name, or a part that has
 * no place in an Address: user name, password, fragment, IPv6 zone
 */
export function fromUrl (input: string | URL): Address {
  const url = parseUrl(input)
  const tls = url.protocol === 'wss:'
  const host = canonicalHost(url.hostname.replace(/^\[|\]$/g, ''))

  if (url.username !== '' || url.password !== '') {
    throw invalid(`${url.protocol}//${url.host}`, 'a user name or password cannot be part of an address: send it in a header')
  }

  if (host == null) {
    throw invalid(url.href, `${url.hostname} is neither an IP address nor a DNS name`)
  }

  if (url.hash !== '') {
    throw invalid(url.href, `the fragment ${url.hash} is never sent to a server: leave it out, or write %23 for # in the path`)
  }

  return {
    host,
    family: ipFamily(host),
    port: url.port === '' ? defaultPort(tls) : Number(url.port),
    path: requestTarget(`${url.pathname}${url.search}`),
    tls
  }
}

function parseUrl (input: string | URL): URL {
  const text = `${input}`

  if (!URL.canParse(text)) {
    throw invalid(text, IP6_ZONE.test(text)
      ? 'a URL cannot hold an IPv6 zone: write /ip6zone/Z/ip6/H/tcp/P/ws'
      : 'neither a multiaddr, which starts with /, nor a ws: or wss: URL')
  }

  const url = new URL(text)

  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw invalid(text, `the scheme ${url.protocol} is not a WebSocket: use ws: or wss:`)
  }

  return url
}

function urlHost ({ host, unixPath, serverName }: Address): string {
  if (serverName != null) {
    return serverName
  }

  if (unixPath != null) {
    return 'localhost'
  }

  return ipFamily(host) === 6 ? `[${host}]` : host
}
