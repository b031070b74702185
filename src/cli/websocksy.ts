import { readFile } from 'node:fs/promises'
import { bridgeLog, runBridge } from './bridge-run.ts'
import { UsageError } from './command.ts'
import { parseIni, websocksyPlan } from './websocksy-config.ts'
import type { Arguments, Command } from './command.ts'
import type { Setting } from './websocksy-config.ts'

const CORE = { port: 'port', listen: 'listen', ping: 'ping', backend: 'backend' } as const

export const websocksy: Command = {
  name: 'websocksy',
  summary: 'be websocksy: its options and configuration file, as they are',
  usage: '[FILE | options]',
  positionals: [0, 1],
  options: {
    port: { type: 'string', short: 'p', value: 'PORT', description: 'where to listen (default 8001)' },
    listen: { type: 'string', short: 'l', value: 'HOST', description: 'where to listen (default ::, which is all addresses of IPv6 and IPv4)' },
    ping: { type: 'string', short: 'k', value: 'SECONDS', description: 'ping a silent client after this long; 0: never (default 30)' },
    backend: { type: 'string', short: 'b', value: 'NAME', description: 'defaultpeer or file (default defaultpeer); options before it are dropped' },
    option: { type: 'string', short: 'c', multiple: true, value: 'NAME=VALUE', description: 'of the backend: host, port, protocol, framing, framing-config; path, expression' }
  },
  examples: [
    { what: 'port 8001 to the VNC server on port 5900', command: 'websocksy' },
    { what: 'to Redis, a line in each message', command: 'websocksy -p 8080 -c host=tcp://localhost:6379 -c framing=newline -c framing-config=crlf' },
    { what: 'the peer by the path of the request, from files', command: 'websocksy -b file -c path=/etc/peers -c expression=%endpoint% -c expression=default' },
    { what: 'all of it from a file; SIGHUP reads it again', command: 'websocksy /etc/websocksy.cfg' }
  ],

  async run (args, io, out) {
    await runBridge(async () => websocksyPlan(await settingsOf(args)), io, out, bridgeLog(io, 'info', args.values.json === true))
  }
}

/** @throws {UsageError} a file that cannot be read, or an option that is none */
async function settingsOf ({ positionals: [path], tokens }: Arguments): Promise<Setting[]> {
  const options = tokens.filter(({ kind }) => kind === 'option')

  if (path == null) {
    return options.flatMap(({ name = '', value = '' }) => setting(name, value))
  }

  if (options.some(({ name = '' }) => name === 'option' || name in CORE)) {
    throw new UsageError(`with the file ${path} there are no other options: write them into it`)
  }

  try {
    return parseIni(await readFile(path, 'utf8'))
  } catch (err: any) {
    throw new UsageError(`the configuration ${path} cannot be read: ${err.message}`, err)
  }
}

function setting (name: string, value: string): Setting[] {
  if (name in CORE) {
    return [{ core: name as keyof typeof CORE, value }]
  }

  if (name !== 'option') {
    return []
  }

  const [, key, optionValue] = /^([^=]+)=(.*)$/s.exec(value) ?? []

  if (key == null) {
    throw new UsageError(`-c takes NAME=VALUE, not "${value}"`)
  }

  return [{ backend: key, value: optionValue }]
}
