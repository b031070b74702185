/** Servers for one WebSocket each, ours and those of `ws`, as the far end of a channel under test. */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { WebSocketServer } from 'ws'
import { parseAddress } from '../../src/address/index.ts'
import type { Channel, ChannelOptions } from '../../src/channel/index.ts'
import type { listen } from '../../src/server/index.ts'
import type { Certificate } from '../fixtures/certificate.ts'
import type { AddressInfo } from 'node:net'
import type { WebSocket } from 'ws'

export interface FarEnd<T> {
  /** The address to dial. */
  url: string
  accepted: Promise<T>
  close (): Promise<void>
}

export async function ourFarEnd (listener: typeof listen, address: string, certificate: Certificate, options: ChannelOptions = {}): Promise<FarEnd<Channel>> {
  const { promise: accepted, resolve } = Promise.withResolvers<Channel>()
  const server = await listener(address, parseAddress(address).tls ? { ...options, https: certificate } : options, resolve)

  return { url: `${server.addresses[0]}`, accepted, close: async () => server.close() }
}

/** @param address - to dial, for a port */
export async function wsFarEnd (address: (port: number) => string, certificate: Certificate): Promise<FarEnd<WebSocket>> {
  const { host, tls, unixPath, path } = parseAddress(address(0))
  const server = tls ? createHttpsServer(certificate) : createHttpServer()
  const webSockets = new WebSocketServer({ server, path: unixPath == null ? path : undefined })
  const accepted = once(webSockets, 'connection').then(([socket]) => socket)

  server.listen(unixPath == null ? { host, port: 0 } : { path: unixPath })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  return {
    url: unixPath == null ? address(port) : `/unix/${encodeURIComponent(unixPath)}/ws`,
    accepted,
    async close () {
      server.close()
      await once(server, 'close')
    }
  }
}
