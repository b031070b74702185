/** Clients name their peer by a word that says nothing about where it is. */
import { readFile, stat } from 'node:fs/promises'
import { InvalidParametersError } from '@libp2p/interface'
import { fieldReader } from './field.ts'
import { checkResolution } from './fixed.ts'
import type { Field } from './field.ts'
import type { Resolution, Resolver } from '../resolver.ts'

/** Peers by token: an address, or more about it. */
export type Tokens = Record<string, string | Resolution>

export interface TokenOptions {
  /** Where the client puts the token. */
  from: Field

  /**
   * The peers, or the path of a file that holds them, which is read again when it has changed: JSON, or lines as those of
   * websockify, `token: host:port`, in which any URL or multiaddr may stand, and `#` begins a comment.
   */
  tokens: Tokens | string
}

/**
 * A token for each peer. Who has none that is known is refused with 404. A file that cannot be understood is an error for all
 * clients, until it can.
 *
 * @throws {InvalidParametersError} a place that is none, or tokens that are
 * @throws {InvalidMultiaddrError} a peer that cannot be dialled
 */
export function token ({ from, tokens }: TokenOptions): Resolver {
  const tokenOf = fieldReader(from)
  const current = typeof tokens === 'string' ? tokenFile(tokens) : constant(tokens)

  return async (request) => {
    const name = tokenOf(request)

    return name == null ? undefined : (await current()).get(name)
  }
}

function constant (tokens: Tokens): () => Map<string, Resolution> {
  const peers = check(tokens)

  return () => peers
}

/** The file as it is now; it is read only where its size or time has changed. */
function tokenFile (path: string): () => Promise<Map<string, Resolution>> {
  let read: { version: string, peers: Map<string, Resolution> } | undefined

  return async () => {
    const { ino, mtimeMs, size } = await stat(path)
    const version = [ino, mtimeMs, size].join()

    if (read?.version !== version) {
      read = { version, peers: check(parseTokens(await readFile(path, 'utf8'), path)) }
    }

    return read.peers
  }
}

function parseTokens (text: string, path: string): Tokens {
  if (text.trimStart().startsWith('{')) {
    return JSON.parse(text)
  }

  return Object.fromEntries(text.split('\n').flatMap((line, i) => {
    const content = line.replace(/(^|\s)#.*/, '').trim()
    const [, name, peer] = /^([^:\s]+):\s+(\S+)$/.exec(content) ?? []

    if (name == null && content !== '') {
      throw new InvalidParametersError(`line ${i + 1} of ${path} is not a token and its peer: write TOKEN: HOST:PORT`)
    }

    return name == null ? [] : [[name, /^\/|:\/\//.test(peer) ? peer : `tcp://${peer}`]]
  }))
}

/** A map, because no token is called `__proto__`. */
function check (tokens: Tokens): Map<string, Resolution> {
  return new Map(Object.entries(tokens).map(([name, peer]) => {
    const resolution = typeof peer === 'string' ? { address: peer } : peer
    checkResolution(resolution)

    return [name, resolution]
  }))
}
