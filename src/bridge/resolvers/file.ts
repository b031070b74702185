/** The `file` backend of websocksy: the request says which file names the peer. */
import { readFile } from 'node:fs/promises'
import { join, normalize, sep } from 'node:path'
import { InvalidParametersError } from '@libp2p/interface'
import { trimSlashes } from './field.ts'
import { websocksyFraming, websocksyPeer } from './websocksy.ts'
import type { Refusal } from '../../server/index.ts'
import type { BridgeRequest } from '../request.ts'
import type { Resolution, Resolver } from '../resolver.ts'

export interface FileOptions {
  /** The folder of the files. */
  path: string

  /**
   * Names of files in it, tried in order, with variables: `%endpoint%`, the path and query of the request without slashes
   * around it; `%cookie:NAME%`; `%header:NAME%`, its name in any case. A `/` in a value becomes `_`.
   */
  expressions: string[]
}

type Kind = 'endpoint' | 'cookie' | 'header'

const VARIABLE = /%(endpoint(?=%)|cookie(?=:)|header(?=:))(?::([^%]+))?%/g

/** No file of this name, rather than one that cannot be read. */
const MISSING = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE']

/**
 * Look in files for the peer. The first expression counts whose variables the request has, and whose file exists; it is read
 * for each client, so that a change is seen by the next one. Its lines are
 * `<peer> <subprotocol> [<framing> [<configuration of the framing, to the end of the line>]]`.
 *
 * The first line counts whose subprotocol the client offers, or is `*`; of a client that offers none, the first line.
 *
 * Without such a file the client is refused with 404, without such a line with 400. A line that cannot be understood is an
 * error for those clients that get it.
 *
 * @throws {InvalidParametersError} no expression, or one with another variable
 */
export function file ({ path, expressions }: FileOptions): Resolver {
  expressions.forEach(checkExpression)

  if (expressions.length === 0) {
    throw new InvalidParametersError('the file resolver needs an expression, such as %endpoint%')
  }

  return async (request) => {
    for (const expression of expressions) {
      const name = expand(expression, request)
      const text = name == null ? undefined : await readInside(path, name)

      if (text != null) {
        return choose(text, request.subprotocols)
      }
    }
  }
}

function checkExpression (expression: string): void {
  if (expression.replaceAll(VARIABLE, '').includes('%')) {
    throw new InvalidParametersError(`${JSON.stringify(expression)} has a variable that is none: write %endpoint%, %cookie:NAME% or %header:NAME%`)
  }
}

/** Undefined where the request does not have what it takes. */
function expand (expression: string, { target, cookies, headers }: BridgeRequest): string | undefined {
  let missing = false

  const name = expression.replaceAll(VARIABLE, (_, kind, key) => {
    const value = {
      endpoint: () => trimSlashes(target),
      cookie: () => cookies.get(key),
      header: () => headers[key.toLowerCase()]?.toString()
    }[kind as Kind]()
    missing ||= value == null

    return value?.replaceAll('/', '_') ?? ''
  })

  return missing ? undefined : name
}

/** The text of a file in the folder; undefined where there is none. */
async function readInside (folder: string, name: string): Promise<string | undefined> {
  const inside = normalize(`./${name}`)

  if (inside.split(sep).includes('..')) {
    return
  }

  try {
    return await readFile(join(folder, inside), 'utf8')
  } catch (err: any) {
    if (!MISSING.includes(err.code)) {
      throw err
    }
  }
}

function choose (text: string, offers: readonly string[]): Resolution | Refusal {
  const lines = text.split('\n').map(line => line.trim()).filter(line => line !== '')

  for (const line of lines) {
    const [, peer, subprotocol = '', framing, config] = /^(\S+)(?:\s+(\S+)(?:\s+(\S+)(?:\s+(.+))?)?)?$/.exec(line) ?? []
    const protocol = subprotocol === '*' ? offers[0] : offers.find(offer => offer === subprotocol)

    if (offers.length === 0 || protocol != null) {
      return {
        address: websocksyPeer(peer),
        protocol: protocol ?? '',
        framing: framing == null ? undefined : websocksyFraming(framing, config)
      }
    }
  }

  return { status: 400, reason: 'None of the offered subprotocols is spoken here' }
}
