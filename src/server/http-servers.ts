/**
 * The HTTP servers of one owner, so that several listeners on one host and port share one: each is bound by the first
 * route on it, and closed with the last. So is each attachment to a server of somebody else.
 */
import { AttachedServer, assertListening } from './attached-server.ts'
import { HttpServer } from './http-server.ts'
import type { AttachOptions, UserServer } from './attached-server.ts'
import type { HttpServerOptions } from './http-server.ts'
import type { Address } from '../address/index.ts'

type Key = string | symbol | UserServer

export type AcquireOptions = HttpServerOptions & AttachOptions

export interface SharedServer {
  readonly key: Key
  readonly server: HttpServer | AttachedServer
  readonly bound: Promise<void>
  users: number
}

export class HttpServers {
  readonly #shared = new Map<Key, SharedServer>()

  /**
   * The bound server for this address; its options are those of the first that asked. Port 0 is always a new one.
   *
   * @internal
   * @throws {ListenError} the address cannot be bound, or is not that of the server that was handed over
   */
  async acquire (address: Address, options: AcquireOptions): Promise<SharedServer> {
    const { server } = options

    if (server != null) {
      assertListening(server, address)
    }

    const key = server ?? keyOf(address)
    const shared = this.#shared.get(key) ?? (server == null ? this.#start(key, address, options) : this.#attach(server, options))

    shared.users++
    await shared.bound

    return shared
  }

  /**
   * Give a server back; the last one closes it, and waits for its sockets.
   *
   * @internal
   */
  async release (shared: SharedServer): Promise<void> {
    if (--shared.users === 0) {
      this.#shared.delete(shared.key)
      await shared.server.close()
    }
  }

  #attach (server: UserServer, options: HttpServerOptions): SharedServer {
    const shared = { key: server, server: new AttachedServer(server, options), bound: Promise.resolve(), users: 0 }
    this.#shared.set(server, shared)

    return shared
  }

  #start (key: Key, address: Address, options: HttpServerOptions): SharedServer {
    const server = new HttpServer(options)
    const shared = { key, server, bound: this.#bind(key, server, address), users: 0 }
    this.#shared.set(key, shared)

    return shared
  }

  async #bind (key: Key, server: HttpServer, address: Address): Promise<void> {
    try {
      await server.bind(address)
    } catch (error) {
      this.#shared.delete(key)
      throw error
    }
  }
}

/** Nothing but itself equals the key of a port that the system chooses. */
function keyOf ({ unixPath, host, family, port, zone }: Address): string | symbol {
  return unixPath ?? (port === 0 ? Symbol('port 0') : `${host}%${zone ?? ''} ${family} ${port}`)
}
