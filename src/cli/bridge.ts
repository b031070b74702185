import { readFile } from 'node:fs/promises'
import { FRAMING_EXAMPLES } from '../bridge/framings/parse.ts'
import { planOf, readConfig } from './bridge-config.ts'
import { bridgeLog, LOG_LEVELS, runBridge } from './bridge-run.ts'
import { bytesOption, countOption, secondsOption, stringsOption, TLS_OPTIONS, UsageError } from './command.ts'
import type { BridgeConfig } from './bridge-config.ts'
import type { Arguments, Command } from './command.ts'
import type { BridgeAuth, LogLevel } from '../bridge/index.ts'

export const bridge: Command = {
  name: 'bridge',
  summary: 'pass WebSockets on to TCP, UDP, Unix sockets and WebSockets, and the other way round',
  usage: '<listen> <target> [options]',
  positionals: [0, 2],
  options: {
    config: { type: 'string', value: 'FILE', description: 'options from JSON, or from a module; those of the command come first. SIGHUP reads it again' },
    framing: { type: 'string', value: 'FRAMING', description: `how bytes become messages: ${FRAMING_EXAMPLES.join(', ')} (default binary)` },
    protocol: { type: 'string', multiple: true, value: 'NAME', description: 'the subprotocol that clients must offer, or several; *: the first that they offer' },
    origin: { type: 'string', multiple: true, value: 'ORIGIN', description: 'web pages that may come in, such as https://example.com; as often as you like (default any)' },
    auth: { type: 'string', multiple: true, value: 'WHO', description: 'who may come in: basic:NAME:PASSWORD, bearer:TOKEN, or @FILE with one of these on a line' },
    token: { type: 'string', value: 'FIELD', description: 'in the place of a target: where clients put the token of theirs: path, query:NAME, header:NAME or cookie:NAME' },
    tokens: { type: 'string', value: 'FILE', description: 'the targets: lines TOKEN: HOST:PORT, or JSON; read again when it has changed' },
    files: { type: 'string', value: 'FOLDER', description: 'in the place of a target: files that name it, as those of websocksy' },
    expression: { type: 'string', multiple: true, value: 'NAME', description: 'names of files in it, such as %endpoint% or %cookie:NAME%; tried in order' },
    requested: { type: 'string', value: 'FIELD', description: 'in the place of a target: where clients put its address; needs --allow' },
    allow: { type: 'string', multiple: true, value: 'RULE', description: 'targets that may be dialled: 10.0.0.0/8:5900-5910, *.example.com:443, unix:///run/a.sock' },
    header: { type: 'string', multiple: true, value: 'HEADER', description: 'of the request to a WebSocket target, such as "Origin: https://example.com"' },
    'proxy-protocol': { type: 'string', value: '1|2', description: 'tell a TCP or Unix target who the client is, in a header of this version' },
    'max-sessions': { type: 'string', value: 'N', description: 'sessions at a time (default 10000)' },
    'max-sessions-per-address': { type: 'string', value: 'N', description: 'sessions of one client address at a time' },
    'max-message': { type: 'string', value: 'BYTES', description: 'largest message, of a client and of a framing (default 4MiB)' },
    'keep-alive': { type: 'string', value: 'SECONDS', description: 'ping a silent WebSocket after this long; 0: never (default 30)' },
    timeout: { type: 'string', value: 'SECONDS', description: 'for a target to open (default 10)' },
    idle: { type: 'string', value: 'SECONDS', description: 'end of a UDP session without datagrams (default 120)' },
    metrics: { type: 'string', value: 'PATH', description: 'answer GET requests for this path with Prometheus metrics' },
    key: { type: 'string', value: 'FILE', description: 'private key in PEM, to listen with TLS' },
    cert: { type: 'string', value: 'FILE', description: 'certificate in PEM, to listen with TLS' },
    ...TLS_OPTIONS,
    log: { type: 'string', value: 'LEVEL', default: 'info', description: `least level of what is logged: ${LOG_LEVELS.join(', ')}` }
  },
  examples: [
    { what: 'a VNC server for noVNC', command: 'bridge ws://0.0.0.0:6080 tcp://127.0.0.1:5900 --protocol "*"' },
    { what: 'lines of a Unix socket, each a message, for pages of one site', command: 'bridge ws://0.0.0.0:8080/log unix:///run/log.sock --framing newline:lf --origin https://example.com' },
    { what: 'the client side: a local port that leads through a WebSocket', command: 'bridge tcp://127.0.0.1:2222 wss://example.com/ssh' },
    { what: 'many targets, by token', command: 'bridge ws://0.0.0.0:8080 --token query:token --tokens tokens.cfg' },
    { what: 'a DNS server over UDP, a datagram in each message', command: 'bridge /ip4/0.0.0.0/tcp/8080/ws /ip4/127.0.0.1/udp/53' }
  ],

  async run (args, io, out) {
    const { level, json } = { level: logLevel(args), json: args.values.json === true }

    await runBridge(async () => planOf(await configOf(args)), io, out, bridgeLog(io, level, json))
  }
}

/** What the file says, and over it what the command says. */
async function configOf (args: Arguments): Promise<BridgeConfig> {
  const { config: path } = args.values
  const config = typeof path === 'string' ? await readConfig(path) : {}
  const [listen, target] = args.positionals
  const dial = { ...config.dial, ...defined({ handshakeTimeout: secondsOption(args, 'timeout'), headers: headerOption(args), ca: textOption(args, 'ca'), insecure: args.values.insecure as boolean | undefined }) }

  return {
    ...config,
    ...defined<BridgeConfig>({
      listen,
      target,
      framing: textOption(args, 'framing'),
      protocol: protocolOption(args),
      origins: listOption(args, 'origin'),
      auth: await authOption(args),
      token: pair(args, 'token', 'tokens', (from, tokens) => ({ from: from as any, tokens })),
      file: pair(args, 'files', 'expression', path => ({ path, expressions: stringsOption(args, 'expression') })),
      requested: textOption(args, 'requested') == null ? undefined : { from: textOption(args, 'requested') as any },
      allow: listOption(args, 'allow'),
      proxyProtocol: textOption(args, 'proxy-protocol') == null ? undefined : countOption(args, 'proxy-protocol') as 1 | 2,
      maxSessions: optionalCount(args, 'max-sessions'),
      maxSessionsPerAddress: optionalCount(args, 'max-sessions-per-address'),
      maxMessage: textOption(args, 'max-message') == null ? undefined : bytesOption(args, 'max-message'),
      keepAlive: secondsOption(args, 'keep-alive'),
      idleTimeout: secondsOption(args, 'idle'),
      metricsPath: textOption(args, 'metrics'),
      tls: pair(args, 'key', 'cert', (key, cert) => ({ key, cert }))
    }),
    dial
  }
}

function defined <T extends object> (values: T): T {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value != null)) as T
}

function textOption ({ values }: Arguments, name: string): string | undefined {
  const value = values[name]

  return typeof value === 'string' ? value : undefined
}

function listOption (args: Arguments, name: string): string[] | undefined {
  return args.values[name] == null ? undefined : stringsOption(args, name)
}

/** One rule, or several names. */
function protocolOption (args: Arguments): string | string[] | undefined {
  const names = listOption(args, 'protocol')

  return names?.length === 1 ? names[0] : names
}

function optionalCount (args: Arguments, name: string): number | undefined {
  return args.values[name] == null ? undefined : countOption(args, name)
}

/** Two options that make sense together only. */
function pair <T> (args: Arguments, first: string, second: string, make: (first: string, second: string) => T): T | undefined {
  const [one, other] = [args.values[first], args.values[second]]

  if ((one == null) !== (other == null)) {
    throw new UsageError(`--${first} and --${second} belong together: give both`)
  }

  return one == null ? undefined : make(String(one), String(other))
}

function headerOption (args: Arguments): Record<string, string> | undefined {
  return listOption(args, 'header') && Object.fromEntries(stringsOption(args, 'header').map(header => {
    const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(header) ?? []

    if (name == null) {
      throw new UsageError(`--header takes "Name: value", not "${header}"`)
    }

    return [name, value]
  }))
}

async function authOption (args: Arguments): Promise<BridgeAuth | undefined> {
  const entries = await Promise.all(stringsOption(args, 'auth').map(async entry => entry.startsWith('@') ? authFile(entry.slice(1)) : [entry]))
  const auth: BridgeAuth = {}

  for (const entry of entries.flat()) {
    const [, name, password] = /^basic:([^:]+):(.*)$/.exec(entry) ?? []
    const [, token] = /^bearer:(.+)$/.exec(entry) ?? []

    if (name != null) {
      auth.basic = { ...auth.basic, [name]: password }
    } else if (token != null) {
      auth.bearer = [...auth.bearer ?? [], token]
    } else {
      // the entry is not shown: it may well be a password
      throw new UsageError('--auth takes basic:NAME:PASSWORD, bearer:TOKEN, or @FILE with one of these on a line')
    }
  }

  return args.values.auth == null ? undefined : auth
}

async function authFile (path: string): Promise<string[]> {
  try {
    return (await readFile(path, 'utf8')).split('\n').map(line => line.trim()).filter(line => line !== '' && !line.startsWith('#'))
  } catch (err: any) {
    throw new UsageError(`--auth cannot read ${path}: ${err.message}`, err)
  }
}

function logLevel (args: Arguments): LogLevel {
  const level = LOG_LEVELS.find(level => level === args.values.log)

  if (level == null) {
    throw new UsageError(`--log takes one of ${LOG_LEVELS.join(', ')}, not "${String(args.values.log)}"`)
  }

  return level
}
