/** What a client asks for, as resolvers see it. */
import type { Address } from '../address/index.ts'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

export interface BridgeRequest {
  /** Path and query, as received: `/a%20b?c=d`. */
  readonly target: string
  /** The path alone, as received. */
  readonly path: string
  readonly query: URLSearchParams
  /** By lower-case name. */
  readonly headers: Readonly<IncomingHttpHeaders>
  /** As received: not decoded, not checked. */
  readonly cookies: ReadonlyMap<string, string>
  /** The subprotocols that the client offers, the one it likes best first. */
  readonly subprotocols: readonly string[]
  /** Where the client is. */
  readonly remote: Address
}

/**
 * @param request - the upgrade request
 * @param remote - where the client is; behind a proxy the socket does not know
 */
export function bridgeRequest (request: Pick<IncomingMessage, 'url' | 'headers'>, remote: Address): BridgeRequest {
  const { url = '/', headers } = request
  const [path] = url.split('?', 1)

  return {
    target: url,
    path,
    query: new URLSearchParams(url.slice(path.length)),
    headers,
    cookies: parseCookies(headers.cookie),
    subprotocols: parseList(headers['sec-websocket-protocol']),
    remote
  }
}

/** RFC 6265 section 5.4; of two with one name the first, which has the longer path, counts. */
function parseCookies (header: string = ''): Map<string, string> {
  const pairs = header.split(';').map((pair): [string, string] => {
    const [name] = pair.split('=', 1)

    return [name.trim(), pair.slice(name.length + 1).trim()]
  })

  return new Map(pairs.filter(([name]) => name !== '').reverse())
}

function parseList (header: string = ''): string[] {
  return header.split(',').map(item => item.trim()).filter(item => item !== '')
}
