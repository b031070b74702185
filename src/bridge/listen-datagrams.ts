/** One UDP socket for many peers: each remote address is a session. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { BRIDGE_MAX_SESSIONS } from '../constants.ts'
import { bindTarget } from '../server/bind.ts'
import { DatagramEndpoint } from './datagram-endpoint.ts'
import { addressOf, boundTarget, remoteName } from './listener.ts'
import { formatTarget } from './target.ts'
import type { ListenTargetOptions, OnEndpoint, TargetListener } from './listener.ts'
import type { PortTarget } from './target.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { RemoteInfo, Socket } from 'node:dgram'

export async function listenDatagrams (target: PortTarget, options: ListenTargetOptions, onendpoint: OnEndpoint): Promise<TargetListener> {
  const { host, port, ipv6Only } = await bindTarget(target)
  const socket = createSocket({ type: host?.includes(':') === true ? 'udp6' : 'udp4', ipv6Only })
  socket.bind(port, host)

  try {
    await once(socket, 'listening')
  } catch (error) {
    socket.close()
    throw error
  }

  return new DatagramListener(socket, target, options, onendpoint)
}

class DatagramListener implements TargetListener {
  readonly #socket: Socket
  readonly #target: PortTarget
  readonly #options: ListenTargetOptions
  readonly #onendpoint: OnEndpoint
  readonly #sessions = new Map<string, DatagramEndpoint>()
  #closed: PromiseWithResolvers<void> | undefined

  constructor (socket: Socket, target: PortTarget, options: ListenTargetOptions, onendpoint: OnEndpoint) {
    this.#socket = socket
    this.#target = target
    this.#options = options
    this.#onendpoint = onendpoint
    socket.on('message', this.#onmessage)
    // ICMP does not say whose datagram it was
    socket.on('error', () => {})
  }

  get addresses (): Multiaddr[] {
    return this.#closed == null ? [formatTarget(boundTarget(this.#target, this.#socket.address()))] : []
  }

  async close (): Promise<void> {
    if (this.#closed == null) {
      this.#closed = Promise.withResolvers()
      this.#closeIfDone()
    }

    await this.#closed.promise
  }

  readonly #onmessage = (data: Buffer, { address, port }: RemoteInfo): void => {
    // none (RFC 768): there is nobody to answer, and a socket that is told to throws
    if (port === 0) {
      return
    }

    const remote = remoteName({ host: address, port })
    const session = this.#sessions.get(remote) ?? this.#open(remote, address, port)

    session?.receive(data)
  }

  #open (remote: string, address: string, port: number): DatagramEndpoint | undefined {
    if (this.#closed != null) {
      return
    }

    if (this.#sessions.size >= (this.#options.maxSessions ?? BRIDGE_MAX_SESSIONS)) {
      this.#options.onrefused?.(remote)
      return
    }

    const session = new DatagramEndpoint({
      send: (data, done) => { this.#socket.send(data, port, address, done) },
      close: () => {
        this.#sessions.delete(remote)
        this.#closeIfDone()
      }
    }, remote, this.#options)

    this.#sessions.set(remote, session)
    this.#onendpoint(session, { remote: addressOf(address, port), local: addressOf(this.#socket.address().address, this.#socket.address().port) })

    return session
  }

  #closeIfDone (): void {
    if (this.#closed != null && this.#sessions.size === 0) {
      this.#socket.close(this.#closed.resolve)
    }
  }
}
