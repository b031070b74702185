import { InvalidParametersError } from '@libp2p/interface'
import type { BridgeRequest } from '../resolver.ts'

/** A part of a request: `path`, `query:NAME`, `header:NAME` or `cookie:NAME`. */
export type Field = 'path' | `query:${string}` | `header:${string}` | `cookie:${string}`

export type FieldReader = (request: BridgeRequest) => string | undefined

/**
 * Reads a part of a request, percent escapes decoded; of the path what is between its first and its last slash.
 *
 * @throws {InvalidParametersError} it names no part
 */
export function fieldReader (field: Field): FieldReader {
  const [, kind, name] = /^(path|query|header|cookie)(?::(.+))?$/s.exec(field) ?? []

  if (kind == null || (kind === 'path') !== (name == null)) {
    throw new InvalidParametersError(`${JSON.stringify(field)} is no part of a request: write path, query:NAME, header:NAME or cookie:NAME`)
  }

  switch (kind) {
    case 'query': return ({ query }) => query.get(name) ?? undefined
    case 'header': return request => readHeader(request, name)
    case 'cookie': return request => decoded(readCookie(request, name))
    default: return ({ path }) => decoded(trimSlashes(path))
  }
}

export function readHeader ({ headers }: BridgeRequest, name: string): string | undefined {
  return headers[name.toLowerCase()]?.toString()
}

/** RFC 6265 section 5.4; of two with one name the first, which has the longer path, counts. */
export function readCookie (request: BridgeRequest, name: string): string | undefined {
  const pairs = readHeader(request, 'cookie')?.split(';').map(pair => pair.trim())

  return pairs?.find(pair => pair.startsWith(`${name}=`))?.slice(name.length + 1)
}

/** Without the slash at its start, and that at its end. */
export function trimSlashes (path: string): string {
  return path.replace(/^\//, '').replace(/\/$/, '')
}

/** What is badly escaped is nobody's. */
function decoded (text: string | undefined): string | undefined {
  try {
    return text == null ? undefined : decodeURIComponent(text)
  } catch {
    return undefined
  }
}
