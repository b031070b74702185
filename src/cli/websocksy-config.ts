/** The settings of websocksy, from its command line and its configuration file, and what they mean to a bridge. Pure. */
import { canonicalHost, ipFamily } from '../address/host.ts'
import { resolvers } from '../bridge/index.ts'
import { websocksyFraming, websocksyPeer } from '../bridge/resolvers/websocksy.ts'
import { checked, UsageError } from './command.ts'
import type { BridgePlan } from './bridge-config.ts'
import type { BridgeOptions } from '../bridge/index.ts'

/** One setting, in the order of command line or file. */
export type Setting = { core: 'port' | 'listen' | 'ping' | 'backend', value: string } | { backend: string, value: string }

interface Settings {
  port: string
  listen: string
  ping: string
  backend: string
  /** Of the backend; an option may be there more than once. */
  options: Array<[string, string]>
}

const CORE = ['port', 'listen', 'ping', 'backend'] as const
const DEFAULTS = { port: '8001', listen: '::', ping: '30', backend: 'defaultpeer' }

const BACKENDS: Record<string, { options: string[], make (option: (name: string) => string[]): Partial<BridgeOptions> }> = {
  defaultpeer: { options: ['host', 'port', 'protocol', 'framing', 'framing-config'], make: defaultPeer },
  file: {
    options: ['path', 'expression'],
    make: (option) => ({ resolve: resolvers.file({ path: option('path').at(-1) ?? '.', expressions: option('expression') }) })
  }
}

/**
 * The settings in a file: sections by their beginning, `key = value`; other lines, sections and keys of `[core]` mean nothing.
 *
 * @param text - of the file
 */
export function parseIni (text: string): Setting[] {
  let section = ''

  return text.split('\n').flatMap((line): Setting[] => {
    section = /^\s*\[(core|backend)/.exec(line)?.[1] ?? (/^\s*\[/.test(line) ? '' : section)
    const [, key, value] = /^\s*([^=[][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    const core = CORE.find(name => name === key)

    if (key != null && section === 'backend') {
      return [{ backend: key, value }]
    }

    return section === 'core' && core != null ? [{ core, value }] : []
  })
}

/**
 * What the settings mean. A backend takes the options behind its name; those before it were for another.
 *
 * @throws {UsageError} a value or an option that is none
 */
export function websocksyPlan (list: Setting[]): BridgePlan {
  const { port, listen, ping, backend, options } = list.reduce<Settings>(apply, { ...DEFAULTS, options: [] })

  if (!Object.hasOwn(BACKENDS, backend)) {
    throw new UsageError(`there is no backend "${backend}": use ${Object.keys(BACKENDS).join(' or ')}; for others, write a resolver for ws-transport bridge --config`)
  }

  const { options: known, make } = BACKENDS[backend]
  const unknown = options.find(([name]) => !known.includes(name))

  if (unknown != null) {
    throw new UsageError(`the backend ${backend} has no option "${unknown[0]}", it has ${known.join(', ')}`)
  }

  return {
    listen: listenAddresses(listen, number(port, 'port')),
    options: {
      framing: 'auto',
      lenientProtocol: true,
      keepAlive: number(ping, 'ping') * 1_000,
      ...checked(() => make(name => options.filter(([key]) => key === name).map(([, value]) => value)))
    }
  }
}

function apply (settings: Settings, setting: Setting): Settings {
  if ('backend' in setting) {
    return { ...settings, options: [...settings.options, [setting.backend, setting.value]] }
  }

  return { ...settings, [setting.core]: setting.value, ...setting.core === 'backend' && { options: [] } }
}

function defaultPeer (option: (name: string) => string[]): Partial<BridgeOptions> {
  const [host, port, protocol, framing, config] = ['host', 'port', 'protocol', 'framing', 'framing-config'].map(name => option(name).at(-1))

  return {
    target: websocksyPeer(host ?? 'tcp://localhost', port ?? '5900'),
    ...protocol != null && { protocol },
    ...framing != null && { framing: websocksyFraming(framing, config) }
  }
}

/** `::` stands for all addresses, those of IPv4 too. */
function listenAddresses (text: string, port: number): string[] {
  const host = canonicalHost(text.replace(/^\[(.*)\]$/, '$1'))

  if (host == null) {
    throw new UsageError(`"${text}" is no host to listen on: give an IP address or a name`)
  }

  if (host === '::') {
    return [`/ip6/::/tcp/${port}/ws`, `/ip4/0.0.0.0/tcp/${port}/ws`]
  }

  return [`/${{ 0: 'dns', 4: 'ip4', 6: 'ip6' }[ipFamily(host)]}/${host}/tcp/${port}/ws`]
}

function number (text: string, name: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new UsageError(`${name} takes a whole number up to 65535, not "${text}"`)
  }

  return Number(text)
}
