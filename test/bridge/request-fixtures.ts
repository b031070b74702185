import { bridgeRequest } from '../../src/bridge/request.ts'
import type { BridgeRequest } from '../../src/bridge/request.ts'
import type { IncomingHttpHeaders } from 'node:http'

/** A request as a client makes it. */
export function request (url: string, headers: IncomingHttpHeaders = {}): BridgeRequest {
  return bridgeRequest({ url, headers }, { host: '192.0.2.1', family: 4, port: 1, path: '/', tls: false })
}
