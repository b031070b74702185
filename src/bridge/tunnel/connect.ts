/** The end of a tunnel where its users are. */
import { ConnectionClosedError, InvalidParametersError } from '@libp2p/interface'
import { isMultiaddr } from '@multiformats/multiaddr'
import { formatAddress, parseDialAddress } from '../../address/index.ts'
import { sleep } from '../../backoff.ts'
import { HANDSHAKE_TIMEOUT, TUNNEL_MAX_STREAMS, TUNNEL_WAIT_TIMEOUT } from '../../constants.ts'
import { listenTarget } from '../listen.ts'
import { bounded } from './bounded.ts'
import { link } from './link.ts'
import { createNode } from './node.ts'
import { tunnelListenTarget } from './options.ts'
import { askReady, LIMITED, shapeOf, streamProtocol } from './protocol.ts'
import { Relays } from './relays.ts'
import { Sessions } from './sessions.ts'
import { StreamEndpoint } from './stream-endpoint.ts'
import type { Link } from './link.ts'
import type { TunnelOptions } from './options.ts'
import type { AddressInput } from '../../address/index.ts'
import type { Endpoint } from '../endpoint.ts'
import type { TargetListener } from '../listener.ts'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const CIRCUIT = '/p2p-circuit'

/** Between two looks at a connection that is closing, ms. */
const CLOSING_POLL = 10

export interface ConnectOptions extends TunnelOptions {
  /** Where its users connect to: a TCP or UDP port or a Unix socket of this machine; port 0 is any free one. */
  local: AddressInput

  /**
   * How long a new local connection waits while the tunnel is being connected again, ms; then it is refused.
   *
   * @default 10_000
   */
  waitTimeout?: number

  /**
   * Go on where the first connection fails, as after a lost one.
   *
   * @default false
   */
  background?: boolean

  /** The tunnel is there, again or for the first time. `limits` are those of a relay on the way. */
  onconnected? (remote: { peer: string, address: Multiaddr, limits?: { bytes?: bigint, seconds?: number } }): void

  /** It was lost, or could not be had; it is tried again. */
  onlost? (error: Error): void
}

export interface Connected {
  /** Our peer id, which the other end has to allow. */
  readonly peer: string
  /** Where to connect to, with the real port. */
  readonly local: Multiaddr[]
  /** Sessions at this moment. */
  readonly sessions: number
  /** Free the local address, and end the sessions and the node, in bounded time. */
  close (): Promise<void>
}

/**
 * Bring what a peer exposes to an address of this machine. Each local connection becomes a stream; all of them share one
 * connection to the peer, which is made again when it is lost, while the local address stays.
 *
 * @param address - of the other end, with `/p2p/ID`, which is proven before anything is sent
 * @param options - `local` at least
 * @throws {InvalidParametersError} the peer id is missing, or the key cannot be used
 * @throws {ConnectionFailedError} the peer refuses us, or exposes nothing of this kind
 * @throws {ListenError} the local address is taken or not ours
 * @throws {Error} what the first dial failed with, among it a peer that is not the one of the address
 */
export async function connect (address: AddressInput, options: ConnectOptions): Promise<Connected> {
  const tunnel = new ConnectedTunnel(peerAddress(address), tunnelListenTarget(options.local), options)

  try {
    await tunnel.start()
  } catch (error) {
    await tunnel.close()
    throw error
  }

  return tunnel
}

class ConnectedTunnel implements Connected {
  readonly #address: Multiaddr
  readonly #local: ReturnType<typeof tunnelListenTarget>
  readonly #options: ConnectOptions
  readonly #sessions: Sessions
  readonly #link: Link
  readonly #stop = new AbortController()
  #node: Libp2p | undefined
  #listener: TargetListener | undefined
  #closed: Promise<void> | undefined

  constructor (address: Multiaddr, local: ReturnType<typeof tunnelListenTarget>, options: ConnectOptions) {
    const { onconnected, onlost, onerror } = options

    this.#address = address
    this.#local = local
    this.#options = options
    this.#sessions = new Sessions(onerror)
    this.#link = link(options, {
      connect: async signal => this.#dial(signal),
      onlost,
      onconnected: ({ remotePeer, remoteAddr, limits }) => { onconnected?.({ peer: `${remotePeer}`, address: remoteAddr, limits }) }
    })
  }

  get peer (): string {
    return `${this.#node?.peerId}`
  }

  get local (): Multiaddr[] {
    return this.#listener?.addresses ?? []
  }

  get sessions (): number {
    return this.#sessions.size
  }

  async start (): Promise<void> {
    const { node, key, webSockets, maxStreams = TUNNEL_MAX_STREAMS, background = false, idleTimeout, signal } = this.#options

    this.#node = node ?? await createNode({ key, webSockets, maxStreams, relays: isCircuit(this.#address) ? new Relays(maxStreams) : undefined })

    signal?.throwIfAborted()
    signal?.addEventListener('abort', () => { void this.close() }, { signal: this.#stop.signal })

    if (background) {
      this.#link.startInBackground()
    } else {
      await this.#link.start(signal)
    }

    this.#listener = await listenTarget(this.#local, { idleTimeout }, endpoint => { void this.#serve(endpoint) })

    // it was closed before there was a listener to close
    if (signal?.aborted === true) {
      await this.#listener.close()
      throw signal.reason
    }
  }

  async close (): Promise<void> {
    this.#closed ??= this.#close()
    await this.#closed
  }

  async #dial (signal: AbortSignal): Promise<Connection> {
    const connection = await (this.#node as Libp2p).dial(this.#address, { signal })
    await bounded(HANDSHAKE_TIMEOUT, signal, async signal => askReady(connection, shapeOf(this.#local), signal))

    return connection
  }

  /** The endpoint delivers nothing before it is joined to a stream. */
  async #serve (endpoint: Endpoint): Promise<void> {
    const gone = new AbortController()
    endpoint.onclose = () => { gone.abort(new ConnectionClosedError('it has left')) }

    try {
      const { idleTimeout } = this.#options
      const stream = await this.#openStream(AbortSignal.any([gone.signal, this.#stop.signal]))
      this.#sessions.add(endpoint, new StreamEndpoint(stream, shapeOf(this.#local), `${this.#address}`, { idleTimeout }))
    } catch (error: any) {
      endpoint.abort(error)
      this.#sessions.fail(`the connection of ${endpoint.remote} was refused: ${error.message}`, error)
    }
  }

  /** On the connection there is, or on the next: one that was lost unnoticed fails with the stream. */
  async #openStream (over: AbortSignal): Promise<Stream> {
    const { maxStreams = TUNNEL_MAX_STREAMS, waitTimeout = TUNNEL_WAIT_TIMEOUT } = this.#options
    const deadline = performance.now() + waitTimeout

    for (;;) {
      over.throwIfAborted()
      const connection = await bounded(Math.max(0, deadline - performance.now()), over, async signal => this.#link.connection(signal))

      try {
        return await bounded(HANDSHAKE_TIMEOUT, over, async signal => connection.newStream(streamProtocol(shapeOf(this.#local)), {
          ...LIMITED,
          maxOutboundStreams: maxStreams,
          signal
        }))
      } catch (error) {
        if (connection.status === 'open' || performance.now() >= deadline) {
          throw error
        }

        // it is closing, and has not said so yet
        await sleep(CLOSING_POLL, over)
      }
    }
  }

  async #close (): Promise<void> {
    this.#stop.abort(new ConnectionClosedError('the tunnel was closed'))
    // for UDP that waits for the sessions
    const listenerClosed = this.#listener?.close()

    await this.#link.close()
    await Promise.all([this.#sessions.close(), listenerClosed])

    if (this.#options.node == null) {
      await this.#node?.stop()
    }
  }
}

/** Who answers has to be proven, so the address has to say who that is. */
function peerAddress (input: AddressInput): Multiaddr {
  const address = isCircuit(input) ? circuitAddress(`${input}`) : formatAddress(parseDialAddress(input))

  if (address.getComponents().at(-1)?.name !== 'p2p') {
    throw new InvalidParametersError(`${input} needs /p2p/ID at the end: nobody can prove to be the other end without it`)
  }

  return address
}

function isCircuit (input: AddressInput): boolean {
  return (isMultiaddr(input) || typeof input === 'string') && `${input}`.includes(CIRCUIT)
}

/** What stands before the circuit is the address of the relay. */
function circuitAddress (text: string): Multiaddr {
  const [relay, peer, ...more] = text.split(CIRCUIT)

  if (more.length > 0) {
    throw new InvalidParametersError(`${text} goes through more than one relay`)
  }

  return formatAddress(parseDialAddress(relay)).encapsulate(`${CIRCUIT}${peer}`)
}
