import type { WebSocketsInit } from '../index.ts'
import type { ListenOptions } from '../server/index.ts'

/** What the servers of all listeners of a transport have in common. */
export function serverOptions (init: WebSocketsInit): ListenOptions {
  const { server, http, https, certificates, onrequest, healthPath, backlog, reusePort, verify, trustProxy, forwardedHeader, proxyProtocol, limits } = init

  return { server, http, https, certificates, onrequest, healthPath, backlog, reusePort, verify, trustProxy, forwardedHeader, proxyProtocol, limits }
}
