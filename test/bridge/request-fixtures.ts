import type { BridgeRequest } from '../../src/bridge/resolver.ts'
import type { IncomingHttpHeaders } from 'node:http'

/** A request as a client makes it. */
export function request (url: string, headers: IncomingHttpHeaders = {}, protocols: string[] = []): BridgeRequest {
  const [path, query] = url.split('?')

  return { url, path, query: new URLSearchParams(query), headers, protocols, remote: '192.0.2.1:1', signal: new AbortController().signal }
}
