import { InvalidParametersError } from '@libp2p/interface'
import type { BridgeRequest } from '../request.ts'

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
    case 'header': return ({ headers }) => headers[name.toLowerCase()]?.toString()
    case 'cookie': return ({ cookies }) => decoded(cookies.get(name))
    default: return ({ path }) => decoded(trimSlashes(path))
  }
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
