/**
 * Listens for raw TCP: on the port of a WebSocket listener where there is one, or else as the TCP transport itself does.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ListenError } from '@libp2p/interface'
import { getThinWaistAddresses } from '@libp2p/utils'
import { formatAddress, fromSocket, parseListenAddress } from '../address/index.ts'
import { SingleListener } from '../listener.ts'
import { UNIX } from '../server/trust.ts'
import { SocketConnection } from './socket-to-conn.ts'
import type { HttpServer } from '../server/http-server.ts'
import type { SharedServer } from '../server/http-servers.ts'
import type { HttpServers } from '../server/index.ts'
import type { Peer } from '../server/proxy-header.ts'
import type { ComponentLogger, Listener, Logger, Upgrader } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Socket } from 'node:net'

export interface SharedTcpListenerInit {
  /** That of the TCP transport, for ports that nobody shares. */
  own: Listener
  servers: HttpServers
  upgrader: Upgrader
  logger: ComponentLogger
}

export class SharedTcpListener extends SingleListener {
  readonly #init: SharedTcpListenerInit
  readonly #connectionLog: Logger
  readonly #connections = new Set<SocketConnection>()
  #address?: Multiaddr
  #shared?: SharedServer<HttpServer>

  constructor (init: SharedTcpListenerInit) {
    super(init.upgrader, init.logger.forComponent('libp2p:tcp:listener'))

    this.#init = init
    this.#connectionLog = init.logger.forComponent('libp2p:tcp:connection')

    for (const type of ['listening', 'close', 'error'] as const) {
      init.own.addEventListener(type, ({ detail }) => { this.safeDispatchEvent(type, { detail }) })
    }
  }

  getAddrs (): Multiaddr[] {
    if (this.#shared == null || this.#address == null) {
      return this.#init.own.getAddrs()
    }

    const { bound } = this.#shared.server

    if (bound == null || this.closing) {
      return []
    }

    return typeof bound === 'string' ? [this.#address] : getThinWaistAddresses(this.#address, bound.port)
  }

  updateAnnounceAddrs (addrs: Multiaddr[]): void {
    this.#init.own.updateAnnounceAddrs(addrs)
  }

  protected async start (ma: Multiaddr): Promise<void> {
    // by then all listeners of a node that starts have been told to listen, in whatever order its transports are
    await nextTurn()
    const shared = await this.#init.servers.join(parseListenAddress(ma.encapsulate('/ws')))

    if (shared == null) {
      await this.#init.own.listen(ma)
      return
    }

    if (shared.server.onmultistream != null) {
      await this.#init.servers.release(shared)
      throw new ListenError(`Could not listen on ${ma}: the port has another listener for TCP already`)
    }

    shared.server.onmultistream = (socket, client) => { this.#accept(socket, client) }
    this.#shared = shared
    this.#address = ma
    this.safeDispatchEvent('listening')
  }

  protected async stop (): Promise<void> {
    if (this.#shared == null) {
      await this.#init.own.close()
      return
    }

    this.#shared.server.onmultistream = undefined
    await Promise.allSettled(Array.from(this.#connections, async conn => conn.close()))
    await this.#init.servers.release(this.#shared)
    this.safeDispatchEvent('close')
  }

  #accept (socket: Socket, client: Peer): void {
    const remoteAddr = this.#remoteOf(client)

    // the peer has reset it since
    if (remoteAddr == null) {
      socket.destroy()
      return
    }

    const conn = new SocketConnection({ socket, remoteAddr, direction: 'inbound', log: this.#connectionLog })
    this.#connections.add(conn)
    conn.addEventListener('close', () => { this.#connections.delete(conn) })
    void this.upgrade(conn)
  }

  #remoteOf ({ host, port }: Peer): Multiaddr | undefined {
    if (host === UNIX) {
      return this.#address
    }

    return host === '' ? undefined : formatAddress(fromSocket(host, port, false, '/')).decapsulate('/ws')
  }
}
