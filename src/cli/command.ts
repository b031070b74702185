/**
 * A command is data: what it is called, what it takes, how it is taught, and one function. Help is made from it.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { multiaddr } from '@multiformats/multiaddr'
import { formatAddress, parseDialAddress, parseListenAddress } from '../address/index.ts'
import { parseBytes } from './output.ts'
import type { IO, Output } from './output.ts'
import type { Address } from '../address/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** What a shell script learns from us. */
export const ExitCode = {
  OK: 0,
  FAILED: 1,
  USAGE: 2,
  NOT_CONNECTED: 3,
  INTERRUPTED: 130
} as const

/** An error for a person: its message is the whole line on stderr. */
export class CliError extends Error {
  readonly exitCode: number

  constructor (message: string, exitCode: number = ExitCode.FAILED, cause?: unknown) {
    super(message, { cause })
    this.name = 'CliError'
    this.exitCode = exitCode
  }
}

export class UsageError extends CliError {
  constructor (message: string, cause?: unknown) {
    super(message, ExitCode.USAGE, cause)
    this.name = 'UsageError'
  }
}

/** An option, in the form `parseArgs` of node:util takes, and what help says about it. */
export interface Option {
  type: 'string' | 'boolean'
  /** It may be given more than once. */
  multiple?: boolean
  /** One letter, for `-h`. */
  short?: string
  default?: string
  /** What stands for the value in help: `FILE`. */
  value?: string
  description: string
}

export interface Arguments {
  positionals: string[]
  values: Record<string, string | boolean | Array<string | boolean> | undefined>
  /** The same in the order of the command line, as `parseArgs` of node:util gives it. */
  tokens: Array<{ kind: string, name?: string, value?: string }>
}

export interface Command {
  name: string
  /** One line for the list of commands. */
  summary: string
  /** What follows the name: `<multiaddr> [options]`. */
  usage: string
  /** How many positional arguments it takes, at least and at most. */
  positionals: [number, number]
  options: Record<string, Option>
  examples: Array<{ what: string, command: string }>
  /** @throws {CliError} with the line to show and the exit code */
  run (args: Arguments, io: IO, out: Output): Promise<void>
}

/** Every command has these. */
export const COMMON_OPTIONS: Record<string, Option> = {
  json: { type: 'boolean', description: 'print JSON, one document on a line' },
  help: { type: 'boolean', short: 'h', description: 'print this help' }
}

/** What the PEM file of an option holds: each of these throws where it does not. */
const PEM_PARSERS = {
  certificate: (pem: string) => new X509Certificate(pem),
  'private key': createPrivateKey
}

/** For commands that dial an address the user gives. */
export const TLS_OPTIONS: Record<string, Option> = {
  ca: { type: 'string', value: 'FILE', description: 'trust the certificates in this PEM file, and no others' },
  insecure: { type: 'boolean', description: 'accept any TLS certificate; with /p2p/ID in the address Noise still proves who answers' }
}

/** The address to dial: a multiaddr, or a `ws:` or `wss:` URL. */
export function dialArgument ({ positionals: [text] }: Arguments): Multiaddr {
  // /dnsaddr is resolved by libp2p, and what comes out is checked by the transport
  return checked(() => text.startsWith('/dnsaddr/') ? multiaddr(text) : formatAddress(parseDialAddress(text)))
}

/** The addresses to listen on. */
export function listenArguments ({ positionals }: Arguments): Address[] {
  return checked(() => positionals.map(parseListenAddress))
}

export function bytesOption (args: Arguments, name: string): number {
  const text = String(args.values[name])
  const bytes = parseBytes(text)

  if (bytes == null) {
    throw new UsageError(`--${name} takes a number of bytes such as 1048576, 64MiB or 1GB, not "${text}"`)
  }

  return bytes
}

export function countOption (args: Arguments, name: string): number {
  const text = String(args.values[name])

  if (!/^[1-9]\d{0,8}$/.test(text)) {
    throw new UsageError(`--${name} takes a whole number from 1 on, not "${text}"`)
  }

  return Number(text)
}

/** @returns ms */
export function secondsOption (args: Arguments, name: string): number | undefined {
  const text = args.values[name]

  if (text != null && !/^\d+(\.\d+)?$/.test(String(text))) {
    throw new UsageError(`--${name} takes a number of seconds such as 2 or 0.5, not "${String(text)}"`)
  }

  return text == null ? undefined : Number(text) * 1_000
}

/** All values of an option that may be given more than once. */
export function stringsOption (args: Arguments, name: string): string[] {
  const values = args.values[name]

  return Array.isArray(values) ? values.map(String) : []
}

/** What `TLS_OPTIONS` say. */
export async function dialOptions (args: Arguments): Promise<{ ca?: string, insecure: boolean }> {
  return { ca: await pemOption(args, 'ca', 'certificate'), insecure: args.values.insecure === true }
}

/** The text of the PEM file an option names, undefined without the option. */
export async function pemOption (args: Arguments, name: string, holds: keyof typeof PEM_PARSERS): Promise<string | undefined> {
  const path = args.values[name]

  if (typeof path !== 'string') {
    return undefined
  }

  try {
    const pem = await readFile(path, 'utf8')
    PEM_PARSERS[holds](pem)

    return pem
  } catch (err: any) {
    throw new UsageError(`--${name} takes a PEM file with a ${holds}, not "${path}": ${err.message}`, err)
  }
}

/** A bad address is wrong usage. */
export function checked <T> (parse: () => T): T {
  try {
    return parse()
  } catch (err: any) {
    throw new UsageError(err.message, err)
  }
}
