/**
 * The HTTP servers of one owner, so that several listeners on one host and port share one: each is bound by the first
 * route on it, and closed with the last.
 */
import { HttpServer } from './http-server.ts'
import type { HttpServerOptions } from './http-server.ts'
import type { Address } from '../address/index.ts'

interface Shared {
  server: HttpServer
  bound: Promise<void>
  users: number
}

export class HttpServers {
  readonly #shared = new Map<string, Shared>()

  /**
   * The bound server for this address; its options are those of the first that asked. Port 0 is always a new one.
   *
   * @throws {ListenError} the address cannot be bound
   */
  async acquire (address: Address, options: HttpServerOptions): Promise<HttpServer> {
    const key = keyOf(address)
    let shared = this.#shared.get(key)

    if (shared == null) {
      const server = new HttpServer(options)
      shared = { server, bound: server.bind(address), users: 0 }

      if (address.unixPath != null || address.port !== 0) {
        this.#shared.set(key, shared)
      }
    }

    shared.users++

    try {
      await shared.bound
    } catch (error) {
      this.#shared.delete(key)
      throw error
    }

    return shared.server
  }

  /** Give a server back; the last one closes it, and waits for its sockets. */
  async release (server: HttpServer): Promise<void> {
    for (const [key, shared] of this.#shared) {
      if (shared.server !== server) {
        continue
      }

      if (--shared.users > 0) {
        return
      }

      this.#shared.delete(key)
    }

    await server.close()
  }
}

function keyOf ({ unixPath, host, family, port, zone }: Address): string {
  return unixPath ?? `${host}%${zone ?? ''} ${family} ${port}`
}
