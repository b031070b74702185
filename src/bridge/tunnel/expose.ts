/** The end of a tunnel where the target is. */
import { InvalidParametersError } from '@libp2p/interface'
import { formatAddress, parseDialAddress, parseListenAddress } from '../../address/index.ts'
import { TUNNEL_MAX_STREAMS } from '../../constants.ts'
import { dialTarget } from '../dial.ts'
import { formatTarget } from '../target.ts'
import { AllowList } from './allow-list.ts'
import { link } from './link.ts'
import { createNode } from './node.ts'
import { tunnelTarget } from './options.ts'
import { LIMITED, readyProtocol, shapeOf, streamProtocol } from './protocol.ts'
import { Relays } from './relays.ts'
import { Sessions } from './sessions.ts'
import { StreamEndpoint } from './stream-endpoint.ts'
import type { Link } from './link.ts'
import type { TunnelOptions } from './options.ts'
import type { AddressInput } from '../../address/index.ts'
import type { Connection, Libp2p, PeerId, Stream, StreamHandler } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export interface ExposeOptions extends TunnelOptions {
  /** The peer ids of those who may use the tunnel, at least one. All others are refused as soon as Noise has proven who they are. */
  allow: Array<PeerId | string>

  /** Where to be reached. */
  listen?: AddressInput | AddressInput[]

  /**
   * Relays to be reached through, for an end that nobody can dial: addresses with `/p2p/ID` of what `relay` runs, or of any
   * circuit relay (v2) of libp2p. Such a connection is kept, and dialled again when it is lost.
   */
  via?: AddressInput | AddressInput[]

  /**
   * From the stream to the open connection to the target, ms.
   *
   * @default 10_000
   */
  handshakeTimeout?: number

  /** Somebody who is not allowed has tried. */
  onrefused? (peer: string): void

  /** A relay is there, again or for the first time. */
  onrelayed? (relay: string): void

  /** The connection to a relay was lost, or could not be made again; it is tried again. */
  onlost? (error: Error): void
}

export interface Exposed {
  /** Our peer id. */
  readonly peer: string
  /** What others give to `connect`: these end in `/p2p/ID`. Those through a relay are here while it is. */
  readonly addresses: Multiaddr[]
  /** Sessions at this moment. */
  readonly sessions: number
  /** End the sessions and the node, in bounded time. */
  close (): Promise<void>
}

/**
 * Let those who are allowed reach a target: a TCP or UDP port or a Unix socket that this machine can dial, as multiaddr or
 * as `tcp://host:port`, `udp://host:port` or `unix:///path`.
 *
 * @throws {InvalidParametersError} nobody is allowed, no address is given, or the key cannot be used
 * @throws {InvalidMultiaddrError} an address that cannot be dialled or listened on
 * @throws {ListenError} an address is taken or not ours
 * @throws {ConnectionFailedError} a relay does not want to be one for us
 * @throws {Error} what the first dial of a relay failed with
 */
export async function expose (target: AddressInput, options: ExposeOptions): Promise<Exposed> {
  const exposed = new ExposedTarget(tunnelTarget(target), await AllowList.of(options.allow), options)

  try {
    await exposed.start()
  } catch (error) {
    await exposed.close()
    throw error
  }

  return exposed
}

class ExposedTarget implements Exposed {
  readonly #target: ReturnType<typeof tunnelTarget>
  readonly #allow: AllowList
  readonly #options: ExposeOptions
  readonly #sessions: Sessions
  readonly #relays: Relays
  readonly #stop = new AbortController()
  readonly #links: Link[] = []
  /** Those that are ours on the node. */
  readonly #protocols: string[] = []
  #node: Libp2p | undefined
  #closed: Promise<void> | undefined

  constructor (target: ReturnType<typeof tunnelTarget>, allow: AllowList, options: ExposeOptions) {
    this.#target = target
    this.#allow = allow
    this.#options = options
    this.#sessions = new Sessions(options.onerror)
    this.#relays = new Relays(options.maxStreams ?? TUNNEL_MAX_STREAMS)
  }

  get peer (): string {
    return `${this.#node?.peerId}`
  }

  get addresses (): Multiaddr[] {
    return this.#node?.getMultiaddrs() ?? []
  }

  get sessions (): number {
    return this.#sessions.size
  }

  async start (): Promise<void> {
    const { node, via, signal } = this.#options
    const vias = list(via).map(relayAddress)

    if (node != null && vias.length > 0) {
      throw new InvalidParametersError('a node of yours listens through relays itself: leave out via, or the node')
    }

    this.#node = node ?? await this.#createNode(vias.length > 0)

    signal?.throwIfAborted()
    signal?.addEventListener('abort', () => { void this.close() }, { signal: this.#stop.signal })

    const shape = shapeOf(this.#target)
    await this.#handle(this.#node, readyProtocol(shape), this.#onready)
    await this.#handle(this.#node, streamProtocol(shape), this.#onstream)
    await Promise.all(vias.map(async via => this.#keepRelay(this.#node as Libp2p, via)))
  }

  async close (): Promise<void> {
    this.#closed ??= this.#close()
    await this.#closed
  }

  async #createNode (relayed: boolean): Promise<Libp2p> {
    const { key, maxStreams = TUNNEL_MAX_STREAMS, webSockets } = this.#options
    const listen = list(this.#options.listen).map(address => `${formatAddress(parseListenAddress(address))}`)

    if (listen.length === 0 && !relayed) {
      throw new InvalidParametersError('nobody could reach the target: give an address to listen on, or a relay')
    }

    return createNode({
      key,
      maxStreams,
      webSockets,
      listen,
      relays: relayed ? this.#relays : undefined,
      gater: this.#allow.gater(peer => this.#options.onrefused?.(peer))
    })
  }

  async #handle (node: Libp2p, protocol: string, onstream: StreamHandler): Promise<void> {
    await node.handle(protocol, onstream, { ...LIMITED, maxInboundStreams: this.#options.maxStreams ?? TUNNEL_MAX_STREAMS })
    this.#protocols.push(protocol)
  }

  async #keepRelay (node: Libp2p, via: Multiaddr): Promise<void> {
    const { signal, onlost, onrelayed } = this.#options
    const relayed = link(this.#options, {
      connect: async signal => {
        const connection = await node.dial(via, { signal })
        await this.#relays.reserve(via, connection)

        return connection
      },
      onlost,
      onconnected: () => { onrelayed?.(`${via}`) }
    })

    this.#links.push(relayed)
    await relayed.start(signal)
  }

  readonly #onready = async (stream: Stream, connection: Connection): Promise<void> => {
    if (this.#admit(stream, connection)) {
      await stream.close()
    }
  }

  readonly #onstream = async (stream: Stream, connection: Connection): Promise<void> => {
    if (!this.#admit(stream, connection)) {
      return
    }

    const { handshakeTimeout, idleTimeout } = this.#options
    const peer = `${connection.remotePeer}`
    const endpoint = new StreamEndpoint(stream, shapeOf(this.#target), peer, { idleTimeout })

    try {
      this.#sessions.add(endpoint, await dialTarget(this.#target, { handshakeTimeout, idleTimeout, signal: this.#stop.signal }))
    } catch (error: any) {
      endpoint.abort(error)
      this.#sessions.fail(`${formatTarget(this.#target)} could not be reached for ${peer}: ${error.message}`, error)
    }
  }

  /** A node of the user's has connections to whom it likes. */
  #admit (stream: Stream, { remotePeer }: Connection): boolean {
    const admitted = this.#allow.has(remotePeer)

    if (!admitted) {
      stream.abort(new Error(`${remotePeer} is not allowed`))
      this.#options.onrefused?.(`${remotePeer}`)
    }

    return admitted
  }

  async #close (): Promise<void> {
    this.#stop.abort()
    await this.#node?.unhandle(this.#protocols)
    await Promise.all([this.#sessions.close(), ...this.#links.map(async link => link.close())])

    if (this.#options.node == null) {
      await this.#node?.stop()
    }
  }
}

function list <T> (values: T | T[] | undefined): T[] {
  return values == null ? [] : [values].flat() as T[]
}

/** Others reach us by the name of the relay, so that has to be proven too. */
function relayAddress (input: AddressInput): Multiaddr {
  const address = parseDialAddress(input)

  if (address.peerId == null) {
    throw new InvalidParametersError(`the relay ${input} needs /p2p/ID at the end: its own "tunnel relay" prints the whole address`)
  }

  return formatAddress(address)
}
