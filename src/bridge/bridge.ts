/** A bridge: sessions come in on one address, and each goes out to a target. */
import { InvalidParametersError } from '@libp2p/interface'
import { listenPlain } from './listen-plain.ts'
import { listenWebSockets } from './listen-websockets.ts'
import { Sessions } from './sessions.ts'
import { formatTarget, parseListenTarget } from './target.ts'
import type { TargetListener } from './listener.ts'
import type { BridgeOptions, BridgeRules } from './options.ts'
import type { AddressInput } from '../address/index.ts'
import type { Server } from '../server/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

const WEBSOCKETS_ONLY = ['auth', 'origins', 'metricsPath', 'listen'] as const

export interface Bridge {
  /** Where it can be dialled. Empty once closed. */
  readonly addresses: Multiaddr[]

  /** Sessions that are open. */
  readonly sessions: number

  /** Metrics as Prometheus reads them. */
  metrics (): string

  /**
   * Follow these rules from now on; those that are not given are as if they had never been. Open sessions stay as they are.
   *
   * @throws {InvalidParametersError} rules that make no sense; the old ones stay
   * @throws {InvalidMultiaddrError} a target that cannot be dialled; the old rules stay
   */
  reload (rules: BridgeRules): void

  /**
   * Answer TLS handshakes with this certificate from now on. Open sessions stay.
   *
   * @throws {ListenError} TLS cannot use it; what was used before stays
   * @throws {InvalidParametersError} the bridge does not listen for WebSockets
   */
  setCertificate (certificate: { key: string, cert: string }): void

  /**
   * Accept no more, close every session behind what was sent to it, a WebSocket with 1001, and drop what is not closed
   * within `closeTimeout`.
   */
  close (): Promise<void>
}

/**
 * Pass on every session that comes in on an address to a target: WebSockets to TCP, UDP, Unix sockets or other WebSockets, and
 * the other way round.
 *
 * A WebSocket is answered when its target is open: with 404 where there is none, 403 where it is not for this client, 502
 * where it cannot be reached, 504 where it does not answer in time. Then:
 *
 * - **Bytes** of a target become messages by `framing`, and its datagrams one message each; the payload of each message goes to
 * the target as it is, to UDP as one datagram.
 * - **Back-pressure** goes through: who does not read stalls who sends, and next to nothing is held. Datagrams are dropped instead.
 * - **Ends** go through behind everything that came before: a target's is a close with 1000, its failure one with 1014, a
 * message over `maxMessage` one with 1009. The end of a WebSocket ends TCP with its last byte, its failure resets it.
 * Two WebSockets have the codes and reasons of each other; two sockets end in each direction alone.
 *
 * @param input - a multiaddr, or a `ws:`, `wss:`, `tcp:`, `udp:` or `unix:` URL; port 0 is any free port. A WebSocket address
 * without a path takes any path.
 * @param options - `target` or `resolve`, and more
 * @throws {InvalidMultiaddrError} an address that cannot be listened on, or a target that cannot be dialled
 * @throws {InvalidParametersError} options that make no sense
 * @throws {ListenError} the address is taken or not ours, or TLS cannot use the key and certificate; `cause` says why
 *
 * @example
 *
 * ```typescript
 * import { bridge } from 'ws-transport/bridge'
 *
 * const vnc = await bridge('ws://0.0.0.0:6080', { target: 'tcp://127.0.0.1:5900', protocol: 'binary' })
 * ```
 */
export async function bridge (input: AddressInput, options: BridgeOptions): Promise<Bridge> {
  const target = parseListenTarget(input)
  const sessions = new Sessions(options)

  if (target.kind !== 'ws') {
    checkPlain(options)
  }

  const server = target.kind === 'ws' ? await listenWebSockets(formatTarget(target), options, sessions) : undefined
  const listener = server ?? await listenPlain(target as Exclude<typeof target, { kind: 'ws' }>, options, sessions)

  options.log?.('info', 'listen', { addresses: listener.addresses.map(String) })

  return new OpenBridge(options, sessions, listener, server)
}

/** What is asked of requests would keep nobody out, or everybody, where there are none. */
function checkPlain (options: BridgeOptions): void {
  const useless = WEBSOCKETS_ONLY.find(name => options[name] != null)

  if (useless != null) {
    throw new InvalidParametersError(`the option ${useless} is for a bridge that listens for WebSockets`)
  }
}

class OpenBridge implements Bridge {
  readonly #options: BridgeOptions
  readonly #sessions: Sessions
  readonly #listener: Pick<TargetListener, 'addresses' | 'close'>
  readonly #server: Server | undefined
  #closed: Promise<void> | undefined

  constructor (options: BridgeOptions, sessions: Sessions, listener: Pick<TargetListener, 'addresses' | 'close'>, server: Server | undefined) {
    this.#options = options
    this.#sessions = sessions
    this.#listener = listener
    this.#server = server
  }

  get addresses (): Multiaddr[] {
    return this.#listener.addresses
  }

  get sessions (): number {
    return this.#sessions.size
  }

  metrics (): string {
    return this.#sessions.metrics()
  }

  reload (rules: BridgeRules): void {
    this.#sessions.rules = rules
    this.#options.log?.('info', 'reload', {})
  }

  setCertificate (certificate: { key: string, cert: string }): void {
    if (this.#server == null) {
      throw new InvalidParametersError('only a bridge that listens for WebSockets has TLS')
    }

    this.#server.setCertificate(certificate)
  }

  async close (): Promise<void> {
    this.#closed ??= this.#close()
    await this.#closed
  }

  async #close (): Promise<void> {
    this.#options.log?.('info', 'drain', { sessions: this.sessions })
    await Promise.all([this.#listener.close(), this.#sessions.close()])
  }
}
