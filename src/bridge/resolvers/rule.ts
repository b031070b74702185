/** A rule of an allow-list. */
import { BlockList, isIP } from 'node:net'
import { normalize, sep } from 'node:path'
import { InvalidParametersError } from '@libp2p/interface'
import { canonicalHost } from '../../address/host.ts'
import { ip4OfMapped } from '../../address/socket.ts'

export interface Rule {
  /** Whether addresses, and not only names, may match. */
  readonly hasAddresses: boolean
  /** @param host - canonical name or IP address */
  allowsHost (host: string, port: number): boolean
  allowsPath (path: string): boolean
}

const SCHEME = 'unix://'
const FORM = /^(?:\[(?<ip6>[^\]]+)\]|(?<bare>[^:[\]]+|[\da-f:.]*:[\da-f:.]*:[\da-f:./]*))(?::(?<ports>[\d,-]+))?$/i
const MAX_PORT = 65_535

/**
 * @param text - see `allow`
 * @throws {InvalidParametersError} anything else
 */
export function parseRule (text: string): Rule {
  if (text.startsWith(SCHEME)) {
    return pathRule(text.slice(SCHEME.length))
  }

  const { ip6, bare, ports } = FORM.exec(text)?.groups ?? {}
  const host = ip6 ?? bare
  const matches = host == null ? undefined : hostMatcher(host)

  if (matches == null) {
    throw new InvalidParametersError(`${JSON.stringify(text)} is no rule for targets: write an IP address, a range (10.0.0.0/8), a name (*.example.com) or *, behind it :port or :first-last, IPv6 in brackets; or unix:///path`)
  }

  const hasPort = portMatcher(text, ports)

  return {
    hasAddresses: isIP(host.split('/')[0]) !== 0,
    allowsHost: (host, port) => hasPort(port) && matches(host),
    allowsPath: () => false
  }
}

function pathRule (path: string): Rule {
  const folder = path.endsWith('/*') ? path.slice(0, -1) : undefined

  return {
    hasAddresses: false,
    allowsHost: () => false,
    allowsPath: (asked) => {
      // where a folder on the way is a link, it leads elsewhere than it reads
      if (asked.split(sep).includes('..')) {
        return false
      }

      const real = normalize(asked)
      return folder == null ? real === path : real.startsWith(folder) && !real.slice(folder.length).includes(sep)
    }
  }
}

function hostMatcher (host: string): ((host: string) => boolean) | undefined {
  if (host === '*') {
    return () => true
  }

  const [ip, bits, ...rest] = host.split('/')

  if (isIP(ip) !== 0) {
    return rest.length > 0 ? undefined : addressMatcher(ip, bits)
  }

  const isWildcard = host.startsWith('*.')
  const name = canonicalHost(isWildcard ? host.slice('*.'.length) : host)

  if (name == null) {
    return undefined
  }

  return isWildcard ? (host) => host.endsWith(`.${name}`) : (host) => host === name
}

function addressMatcher (ip: string, bits: string = isIP(ip) === 4 ? '32' : '128'): ((host: string) => boolean) | undefined {
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > (isIP(ip) === 4 ? 32 : 128)) {
    return undefined
  }

  const list = new BlockList()
  list.addSubnet(ip, Number(bits), familyOf(ip))

  return (host) => {
    // an address of IPv6 that stands for one of IPv4 leads there; to a BlockList both are of one family, and all of it in ::/0
    const address = ip4OfMapped(host)

    return isIP(address) === isIP(ip) && list.check(address, familyOf(ip))
  }
}

function familyOf (ip: string): 'ipv4' | 'ipv6' {
  return isIP(ip) === 4 ? 'ipv4' : 'ipv6'
}

function portMatcher (rule: string, ports: string | undefined): (port: number) => boolean {
  const ranges = ports?.split(',').map(range => {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range) ?? []

    if (first == null || Number(first) > Number(last) || Number(last) > MAX_PORT) {
      throw new InvalidParametersError(`${JSON.stringify(range)} in the rule ${JSON.stringify(rule)} is no port, and no range of ports`)
    }

    return { first: Number(first), last: Number(last) }
  })

  return (port) => ranges == null || ranges.some(({ first, last }) => first <= port && port <= last)
}
