/**
 * The configuration of a bridge, from a file or from options: what can be written down becomes the options of a call.
 */
import { readFile } from 'node:fs/promises'
import { resolve as resolvePath } from 'node:path'
import { pathToFileURL } from 'node:url'
import { resolvers } from '../bridge/index.ts'
import { checked, UsageError } from './command.ts'
import { suggestion } from './suggestion.ts'
import type { BridgeOptions } from '../bridge/index.ts'

/** What all options of `bridge` are that JSON can hold, and these. */
export interface BridgeConfig extends Pick<BridgeOptions, 'target' | 'resolve' | 'framing' | 'protocol' | 'lenientProtocol' | 'origins' | 'auth' | 'proxyProtocol' | 'maxSessions' | 'maxSessionsPerAddress' | 'maxMessage' | 'keepAlive' | 'keepAliveTimeout' | 'closeTimeout' | 'idleTimeout' | 'metricsPath'> {
  /** Where to listen: one address, or more. */
  listen?: string | string[]
  /** The resolver `token`. */
  token?: Parameters<typeof resolvers.token>[0]
  /** The resolver `file`. */
  file?: Parameters<typeof resolvers.file>[0]
  /** The resolver `requested`, with the rules of `allow`. */
  requested?: { from: Parameters<typeof resolvers.requested>[0]['from'] }
  /** Rules for targets, whichever resolver names them. */
  allow?: string[]
  /** Files in PEM for the WebSockets that come in. */
  tls?: { key: string, cert: string }
  /** For the targets. */
  dial?: {
    /** Time to open one, ms. */
    handshakeTimeout?: number
    /** Of the request, where it is a WebSocket. */
    headers?: Record<string, string>
    /** File in PEM, instead of the authorities that Node knows. */
    ca?: string
    /** Accept any certificate. */
    insecure?: boolean
  }
}

export interface BridgePlan {
  listen: string[]
  options: BridgeOptions
}

type Kind = 'text' | 'texts' | 'number' | 'boolean' | 'object' | 'function'

/** What each option may be. */
export const KINDS: Record<keyof BridgeConfig, Kind[]> = {
  listen: ['text', 'texts'],
  target: ['text'],
  resolve: ['function'],
  token: ['object'],
  file: ['object'],
  requested: ['object'],
  allow: ['texts'],
  framing: ['text', 'function'],
  protocol: ['text', 'texts'],
  lenientProtocol: ['boolean'],
  origins: ['texts'],
  auth: ['object'],
  proxyProtocol: ['number'],
  maxSessions: ['number'],
  maxSessionsPerAddress: ['number'],
  maxMessage: ['number'],
  keepAlive: ['number'],
  keepAliveTimeout: ['number'],
  closeTimeout: ['number'],
  idleTimeout: ['number'],
  metricsPath: ['text'],
  tls: ['object'],
  dial: ['object']
}

const IS: Record<Kind, (value: unknown) => boolean> = {
  text: value => typeof value === 'string',
  texts: value => Array.isArray(value) && value.every(IS.text),
  number: value => typeof value === 'number',
  boolean: value => typeof value === 'boolean',
  object: value => typeof value === 'object' && value != null && !Array.isArray(value),
  function: value => typeof value === 'function'
}

/** What names the target of a session: one of these. */
const SOURCES = ['target', 'token', 'file', 'requested', 'resolve'] as const

/**
 * The configuration in a file: JSON, or a module whose default export it is, which may have functions for `resolve` and
 * `framing`. It is read anew each time.
 *
 * @throws {UsageError} it cannot be read, or holds something else
 */
export async function readConfig (path: string): Promise<BridgeConfig> {
  let config: unknown

  try {
    config = path.endsWith('.json') ? JSON.parse(await readFile(path, 'utf8')) : await importAnew(path)
  } catch (err: any) {
    throw new UsageError(`the configuration ${path} cannot be read: ${err.message}`, err)
  }

  if (!IS.object(config)) {
    throw new UsageError(`the configuration ${path} must be an object, as in { "listen": "ws://0.0.0.0:8080", "target": "tcp://127.0.0.1:5900" }`)
  }

  Object.entries(config as object).forEach(([key, value]) => { checkEntry(path, key, value) })

  return config as BridgeConfig
}

/** Modules are kept for ever: each version is one of its own. */
async function importAnew (path: string): Promise<unknown> {
  const url = pathToFileURL(resolvePath(path))
  url.search = `${process.hrtime.bigint()}`

  return (await import(url.href)).default
}

function checkEntry (path: string, key: string, value: unknown): void {
  if (!Object.hasOwn(KINDS, key)) {
    throw new UsageError(`the configuration ${path} has no option "${key}"${suggestion(key, Object.keys(KINDS))}`)
  }

  const kinds = KINDS[key as keyof BridgeConfig]

  if (!kinds.some(kind => IS[kind](value))) {
    throw new UsageError(`"${key}" in the configuration ${path} must be ${kinds.join(' or ')}`)
  }
}

/** @throws {UsageError} something is missing, there is too much, or a file cannot be read */
export async function planOf (config: BridgeConfig): Promise<BridgePlan> {
  const { listen = [], target, token, file, requested, resolve, allow, tls, dial = {}, ...options } = config
  const sources = SOURCES.filter(name => config[name] != null)

  if (listen.length === 0) {
    throw new UsageError('an address to listen on is missing, such as ws://0.0.0.0:8080')
  }

  if (sources.length !== 1) {
    throw new UsageError(sources.length === 0 ? 'a target is missing, such as tcp://127.0.0.1:5900' : `${sources.join(' and ')} both name a target: give one of them`)
  }

  const { ca, insecure, ...dialOptions } = dial

  return {
    listen: [listen].flat(),
    options: {
      ...options,
      ...checked(() => targetOf(config)),
      ...tls != null && { listen: { https: { key: await readPem(tls.key), cert: await readPem(tls.cert) } } },
      dial: { ...dialOptions, tls: { ca: ca == null ? undefined : await readPem(ca), rejectUnauthorized: insecure !== true } }
    }
  }
}

function targetOf ({ target, token, file, requested, resolve, allow }: BridgeConfig): Pick<BridgeOptions, 'target' | 'resolve'> {
  if (requested != null) {
    return { resolve: resolvers.requested({ ...requested, allow: allow ?? [] }) }
  }

  const named = resolve ?? (token == null ? undefined : resolvers.token(token)) ?? (file == null ? undefined : resolvers.file(file))

  if (allow == null) {
    return named == null ? { target } : { resolve: named }
  }

  return { resolve: resolvers.allow(allow, named ?? resolvers.fixed({ address: target ?? '' })) }
}

async function readPem (path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (err: any) {
    throw new UsageError(`the PEM file ${path} cannot be read: ${err.message}`, err)
  }
}
