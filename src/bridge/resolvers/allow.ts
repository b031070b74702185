/** Which targets a bridge may dial, whoever names them. */
import { lookup } from 'node:dns/promises'
import { DialFailedError } from '../../errors.ts'
import { isRefusal } from '../resolver.ts'
import { formatTarget, parseTarget } from '../target.ts'
import { parseRule } from './rule.ts'
import type { Rule } from './rule.ts'
import type { Resolver } from '../resolver.ts'
import type { PortTarget, Target } from '../target.ts'

/**
 * Let a resolver have only targets that a rule allows; a client that it sends elsewhere is refused with 403.
 *
 * | rule | allows |
 * |---|---|
 * | `10.0.0.0/8`, `127.0.0.1`, `[2001:db8::/32]`, `::1` | IP addresses, and names that resolve to them; an IPv4-mapped one is the IPv4 address that it stands for |
 * | `example.com`, `*.example.com` | the name as it is written, all names under it |
 * | `*` | any host |
 * | `10.0.0.0/8:5900`, `[::1]:5900-5910`, `*:22,80` | the same, with these ports only |
 * | `unix:///run/a.sock`, `unix:///run/vnc/*` | this Unix socket, all in this folder; never a path with `..` in it |
 *
 * A name that only its addresses allow is looked up here, and the client gets the address that was checked: another answer
 * later changes nothing.
 *
 * @throws {InvalidParametersError} a rule that is none
 */
export function allow (rules: string[], resolver: Resolver): Resolver {
  const parsed = rules.map(parseRule)

  return async (request) => {
    const resolved = await resolver(request)

    if (resolved == null || isRefusal(resolved)) {
      return resolved
    }

    const target = await allowedTarget(parsed, parseTarget(resolved.address))

    return target == null
      ? { status: 403, reason: 'This target is not allowed here' }
      : { ...resolved, address: formatTarget(target) }
  }
}

async function allowedTarget (rules: Rule[], target: Target): Promise<Target | undefined> {
  const path = pathOf(target)

  if (path != null) {
    return rules.some(rule => rule.allowsPath(path)) ? target : undefined
  }

  const { host, port, family } = target.kind === 'ws' ? target.address : target as PortTarget

  if (rules.some(rule => rule.allowsHost(host, port))) {
    return target
  }

  // where no rule says anything about addresses, nobody needs to know them
  if (!rules.some(rule => rule.hasAddresses)) {
    return undefined
  }

  const ip = (await addressesOf(target, host, family)).find(ip => rules.some(rule => rule.allowsHost(ip, port)))

  return ip == null ? undefined : at(target, ip)
}

function pathOf (target: Target): string | undefined {
  switch (target.kind) {
    case 'unix': return target.path
    case 'ws': return target.address.unixPath
    default: return undefined
  }
}

async function addressesOf (target: Target, host: string, family: 0 | 4 | 6): Promise<string[]> {
  try {
    return (await lookup(host, { all: true, family })).map(({ address }) => address)
  } catch (err: any) {
    throw new DialFailedError(formatTarget(target).toString(), 'resolve', err)
  }
}

/** The same target at an address of its host; with TLS the name stays, for the certificate and the `Host` header. */
function at (target: Target, ip: string): Target {
  const family = ip.includes(':') ? 6 : 4

  if (target.kind !== 'ws') {
    return { ...target, host: ip, family } as PortTarget
  }

  const { tls, serverName, host } = target.address

  return { kind: 'ws', address: { ...target.address, host: ip, family, ...tls && { serverName: serverName ?? host } } }
}
