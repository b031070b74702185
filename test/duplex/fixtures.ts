/** Both ends of a WebSocket: ours, or one of them it-ws's. */
import { once } from 'node:events'
import { connect, createServer } from 'it-ws'
import { parseAddress, toUrl } from '../../src/address/index.ts'
import { dial } from '../../src/channel/index.ts'
import { duplex } from '../../src/duplex/index.ts'
import { listen } from '../../src/server/index.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import type { Channel, DialOptions } from '../../src/channel/index.ts'
import type { DuplexOptions, DuplexWebSocket } from '../../src/duplex/index.ts'
import type { ListenOptions, Server } from '../../src/server/index.ts'
import type { DuplexWebSocket as ItWs } from 'it-ws/duplex'
import type { AddressInfo } from 'node:net'

/** A server of ours on a free port, and the next channel that comes in. */
export async function ourServer (options: ListenOptions = {}, address = '/ip4/127.0.0.1/tcp/0/ws'): Promise<{ server: Server, accepted: Promise<Channel> }> {
  const { promise: accepted, resolve } = Promise.withResolvers<Channel>()
  const server = await listen(address, options, resolve)
  cleanUp(async () => server.close())

  return { server, accepted }
}

/** Both ends of an open WebSocket, ours. */
export async function channels (options: { dial?: DialOptions, listen?: ListenOptions } = {}): Promise<{ near: Channel, far: Channel }> {
  const { server, accepted } = await ourServer(options.listen)
  const near = await dial(server.addresses[0], options.dial)
  cleanUp(() => { near.abort() })

  return { near, far: await accepted }
}

/** Our duplex, dialled, with it-ws's server at the other end. */
export async function dialItWs (options?: DuplexOptions): Promise<{ ours: DuplexWebSocket, theirs: ItWs }> {
  const server = createServer()
  const accepted: Promise<[ItWs]> = once(server, 'connection') as any
  await server.listen(0)
  const { port } = server.address() as AddressInfo
  const channel = await dial(`ws://127.0.0.1:${port}`)
  const [theirs] = await accepted

  cleanUp(async () => {
    // it waits for connections to end by themselves
    theirs.destroy()
    await server.close()
  })
  cleanUp(() => { channel.abort() })

  return { ours: duplex(channel, options), theirs }
}

/** Our duplex, accepted, with it-ws's client at the other end. */
export async function acceptItWs (options?: DuplexOptions): Promise<{ ours: DuplexWebSocket, theirs: ItWs }> {
  const { server, accepted } = await ourServer()
  const theirs = connect(toUrl(parseAddress(server.addresses[0])).href)
  cleanUp(() => { theirs.destroy() })
  await theirs.connected()

  return { ours: duplex(await accepted, options), theirs }
}
