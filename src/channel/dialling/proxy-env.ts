/**
 * The environment variables that choose a proxy, as curl and Go read them. The packages for this know no CIDR ranges, and
 * addresses of peers are mostly IP addresses.
 */
import { BlockList, isIP } from 'node:net'
import type { Address } from '../../address/index.ts'

/** `192.168.0.0/16`, `[::1]:8080`, `.example.com`, `*.example.com:443` */
const ENTRY = /^(?:\[(?<ip6>.+)\]|\*?\.?(?<host>[^:]*|.*:.*:.*))(?::(?<port>\d+))?$/

/** @returns the URL of a proxy; undefined: dial directly */
export function proxyFromEnv (address: Address, env: Record<string, string | undefined>): string | undefined {
  // a CGI program has the header `Proxy` of its client in HTTP_PROXY (httpoxy.org)
  const forScheme = address.tls ? read(env, 'https_proxy') : env.http_proxy ?? (env.REQUEST_METHOD == null ? env.HTTP_PROXY : undefined)
  // empty means none, as does its absence
  const proxy = forScheme ?? read(env, 'all_proxy') ?? ''

  if (proxy === '' || isExempt(address, read(env, 'no_proxy') ?? '')) {
    return
  }

  return proxy.includes('://') ? proxy : `http://${proxy}`
}

function read (env: Record<string, string | undefined>, name: string): string | undefined {
  return env[name] ?? env[name.toUpperCase()]
}

function isExempt ({ host, serverName, port }: Address, noProxy: string): boolean {
  return noProxy.toLowerCase().split(/[\s,]+/).filter(entry => entry !== '').some(entry => {
    const groups = ENTRY.exec(entry)?.groups

    if (groups == null || (groups.port != null && Number(groups.port) !== port)) {
      return false
    }

    const pattern = groups.ip6 ?? groups.host

    return entry === '*' || matches(host, pattern) || (serverName != null && matches(serverName, pattern))
  })
}

function matches (host: string, pattern: string): boolean {
  const family = isIP(host)

  if (family === 0) {
    return host === pattern || (pattern !== '' && host.endsWith(`.${pattern}`))
  }

  const [network, prefix = family === 4 ? '32' : '128'] = pattern.split('/')

  if (isIP(network) !== family || !/^\d+$/.test(prefix) || Number(prefix) > (family === 4 ? 32 : 128)) {
    return false
  }

  const range = new BlockList()
  range.addSubnet(network, Number(prefix), family === 4 ? 'ipv4' : 'ipv6')

  return range.check(host, family === 4 ? 'ipv4' : 'ipv6')
}
