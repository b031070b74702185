/**
 * What all sockets have in common: they listen and dial at any number of addresses, keep their pipes, and close. What is
 * done with the messages is left to their protocols.
 */
import { AbortError, ConnectionClosedError, InvalidParametersError, UnsupportedProtocolError } from '@libp2p/interface'
import { TypedEventEmitter } from 'main-event'
import { parseDialAddress } from '../address/index.ts'
import { Backoff } from '../backoff.ts'
import { dial } from '../channel/index.ts'
import { CloseCode } from '../constants.ts'
import { Redialer } from '../redialer.ts'
import { dialAddress } from './address.ts'
import { listenForChannels } from './listen.ts'
import { encodeBody } from './message.ts'
import { channelOptions, resolveOptions } from './options.ts'
import { ChannelPipe } from './pipe.ts'
import { Pipes } from './pipes.ts'
import { acceptOffer, PROTOCOLS, subprotocol } from './protocols.ts'
import type { AddressInput } from './address.ts'
import type { Endpoint, Listener } from './endpoint.ts'
import type { Outgoing, SendOptions } from './message.ts'
import type { DialOptions, ListenOptions, Resolved, SocketOptions } from './options.ts'
import type { Pipe, UpgradeFacts } from './pipe.ts'
import type { Protocol, ProtocolName } from './protocols.ts'
import type { Channel, ChannelClose } from '../channel/index.ts'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface SocketEvents {
  /** A peer is there. */
  'pipe:add': CustomEvent<Pipe>
  /** It is gone: `close` says how. */
  'pipe:remove': CustomEvent<{ pipe: Pipe, close: ChannelClose }>
  /** A dial failed, or a peer was not taken: where it is, and why not. */
  'pipe:refuse': CustomEvent<{ address: string, error: Error }>
}

export abstract class SpSocket extends TypedEventEmitter<SocketEvents> {
  readonly protocol: Protocol
  protected readonly pipes = new Pipes()
  protected readonly options: Resolved
  readonly #endpoints = new Set<Endpoint>()
  #pipeIds = 0
  #open = true
  #closed: Promise<void> | undefined

  constructor (name: ProtocolName, init: SocketOptions) {
    super()
    this.protocol = PROTOCOLS[name]
    this.options = resolveOptions(init)
    init.signal?.addEventListener('abort', this.#onabort)

    if (init.signal?.aborted === true) {
      // not before the constructors of the protocols
      queueMicrotask(this.#onabort)
    }
  }

  /** How many peers there are. */
  get pipeCount (): number {
    return this.pipes.size
  }

  /**
   * Listen for peers, as often as there are addresses. Not in browsers.
   *
   * @param address - a multiaddr, or a `ws:` or `wss:` URL, also `ws://*:5555/path`; port 0 is any free port
   * @param options - of the server
   * @returns its real addresses, and the way to close it alone
   * @throws {InvalidMultiaddrError} an address that cannot be listened on
   * @throws {ListenError} it is taken, or not ours, or its certificate is missing
   * @throws {ConnectionClosedError} the socket is closed
   */
  async listen (address: AddressInput, options: ListenOptions = {}): Promise<Listener> {
    this.assertOpen()

    const pipes = new Pipes()
    const listener = await listenForChannels(address, {
      ...options,
      ...channelOptions(this.options),
      accept: (offers, remote) => this.#accept(offers, remote),
      onchannel: (channel, facts) => { this.#add(channel, 'inbound', facts, pipes) }
    })
    // without Close frames the channels must end before the server sends its own
    const endpoint = await this.#keep(async () => Promise.all([pipes.close(CloseCode.GOING_AWAY), listener.close()]))

    return { ...endpoint, get addresses () { return listener.addresses } }
  }

  /**
   * Dial a peer, and again whenever the pipe has ended, until the endpoint or the socket is closed.
   *
   * @param address - a multiaddr, or a `ws:` or `wss:` URL
   * @param options - of the dial
   * @returns when the first pipe is open
   * @throws {InvalidMultiaddrError} an address that cannot be dialled
   * @throws {Error} the first dial failed, as `dial` of `ws-transport/channel` says it; it is not tried again
   * @throws {ConnectionClosedError} the socket is closed
   */
  async dial (address: AddressInput, options: DialOptions = {}): Promise<Endpoint> {
    this.assertOpen()

    const { background = false, signal, ...dialOptions } = options
    const target = dialAddress(address)
    // in the background it would be tried for ever
    parseDialAddress(target)

    const pipes = new Pipes()
    const redialer = new Redialer<ChannelPipe>({
      backoff: new Backoff(this.options.reconnectMin, this.options.reconnectMax),
      connect: async signal => this.#connect(target, { ...dialOptions, signal }, pipes),
      ended: async ({ channel }) => {
        await channel.closed
        return undefined
      },
      // PULL and SUB never send
      useful: ({ channel }) => channel.bytesIn > 0,
      onlost: error => { this.#refused(`${target}`, error) }
    })
    const endpoint = await this.#keep(async () => Promise.all([redialer.close(), pipes.close()]))

    if (background) {
      redialer.startInBackground()
      return endpoint
    }

    try {
      await redialer.start(signal)
    } catch (error) {
      await endpoint.close()
      throw this.#open ? error : this.closedError()
    }

    return endpoint
  }

  /**
   * Stop listening and dialling, send what the pipes have, and end them: 1001 where we listened, else 1000. Whoever
   * waits for this socket gets a `ConnectionClosedError`. Bounded in time by `closeTimeout`.
   */
  async close (): Promise<void> {
    this.#closed ??= this.#close()
    await this.#closed
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.close()
  }

  /** @throws {ConnectionClosedError} */
  protected assertOpen (): void {
    if (!this.#open) {
      throw this.closedError()
    }
  }

  protected closedError (): Error {
    return new ConnectionClosedError(`the ${this.protocol.name} socket is closed`)
  }

  /** As it goes to a pipe. Throws what `assertOpen` and `encodeBody` do. */
  protected outgoing (body: Uint8Array | string, { text = this.options.text }: SendOptions): Outgoing {
    this.assertOpen()

    return { data: this.encode(encodeBody(body, text)), text }
  }

  /** With the header of the protocol, where it has one. */
  protected encode (body: Uint8Array): Uint8Array | Uint8ArrayList {
    return body
  }

  /** @throws {InvalidParametersError} for protocols whose headers are no text */
  protected refuseText (): void {
    if (this.options.text) {
      throw new InvalidParametersError(`${this.protocol.name} has a header that is not UTF-8: it cannot leave as text`)
    }
  }

  /** Whether a new pipe is wanted; what is returned says why not. */
  protected refusal (): Error | undefined {
    return undefined
  }

  /** A pipe is new, or has drained. */
  protected onready (pipe: ChannelPipe): void {}

  /** @throws {Error} for what the peer must not send: the pipe closes with 1002 */
  protected abstract onmessage (pipe: ChannelPipe, data: Uint8Array): void

  protected onremoved (pipe: ChannelPipe): void {}

  /** The socket closes: whoever waits is to be told. */
  protected abstract onclosed (error: Error): void

  readonly #onabort = (): void => { void this.close() }

  #accept (offers: string[], remote: string): string | undefined {
    const offer = acceptOffer(this.protocol.name, offers)

    if (offer == null) {
      this.#refused(remote, new UnsupportedProtocolError(`the peer offers ${offers.length === 0 ? 'no subprotocol' : offers.join(', ')}, and this is ${subprotocol(this.protocol.name)}`))
    }

    return offer
  }

  async #connect (address: AddressInput, options: Omit<DialOptions, 'background'>, pipes: Pipes): Promise<ChannelPipe> {
    let headers = {}
    const channel = await dial(address, {
      ...options,
      ...channelOptions(this.options),
      subprotocols: [subprotocol(this.protocol.peer)],
      onheaders: received => { headers = received }
    })

    // it may have opened in the moment in which it was given up
    if (options.signal?.aborted === true) {
      channel.abort()
      throw new AbortError('the dial was aborted')
    }

    return this.#add(channel, 'outbound', { headers, path: channel.remote.path }, pipes)
  }

  /** One that is taken is among its siblings, those of its endpoint, until it ends. */
  #add (channel: Channel, direction: 'inbound' | 'outbound', facts: UpgradeFacts, siblings: Pipes): ChannelPipe {
    const { closeFrame, sendBuffer } = this.options
    const pipe = new ChannelPipe(channel, { id: ++this.#pipeIds, direction, closeFrame, sendBuffer, ...facts })
    const refusal = this.#open ? this.refusal() : this.closedError()

    if (refusal != null) {
      void pipe.close(CloseCode.NORMAL, refusal.message)
      this.#refused(`${pipe.remote}`, refusal)
      return pipe
    }

    this.pipes.add(pipe)
    siblings.add(pipe)
    channel.ondrain = () => {
      pipe.flush()
      this.onready(pipe)
    }
    channel.onclose = close => {
      this.pipes.delete(pipe)
      siblings.delete(pipe)
      this.onremoved(pipe)
      this.safeDispatchEvent('pipe:remove', { detail: { pipe, close } })
    }
    this.safeDispatchEvent('pipe:add', { detail: pipe })
    this.onready(pipe)
    channel.onmessage = data => { this.#receive(pipe, data) }

    return pipe
  }

  #receive (pipe: ChannelPipe, data: Uint8Array): void {
    if (pipe.ending) {
      return
    }

    try {
      this.onmessage(pipe, data)
    } catch (error: any) {
      void pipe.close(CloseCode.PROTOCOL_ERROR, error.message)
      this.#refused(`${pipe.remote}`, error)
    }
  }

  #refused (address: string, error: Error): void {
    this.safeDispatchEvent('pipe:refuse', { detail: { address, error } })
  }

  /** An endpoint that closes with the socket; one that opened while the socket closed is closed again. */
  async #keep (close: () => Promise<unknown>): Promise<Endpoint> {
    const endpoint = {
      close: async () => {
        this.#endpoints.delete(endpoint)
        await close()
      }
    }

    if (!this.#open) {
      await close()
      throw this.closedError()
    }

    this.#endpoints.add(endpoint)

    return endpoint
  }

  async #close (): Promise<void> {
    this.#open = false
    this.options.signal?.removeEventListener('abort', this.#onabort)
    this.onclosed(this.closedError())
    await Promise.all(Array.from(this.#endpoints, async endpoint => { await endpoint.close() }))
  }
}
