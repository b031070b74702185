/**
 * The sockets of a server that are not WebSockets yet: how far each has come, how long it may take, and why it failed.
 * Of one that became a WebSocket nothing is kept.
 */
import { TimeoutError } from '@libp2p/interface'
import { MAX_DELAY } from '../constants.ts'
import { rawSocket } from './tls.ts'
import type { Peer } from './proxy-header.ts'
import type { Socket } from 'node:net'

/** How far an inbound connection got before it failed. */
export type HandshakeStage = 'accept' | 'proxy' | 'tls' | 'request' | 'upgrade'

interface Handshake {
  stage: HandshakeStage
  /** What was accepted, or what TLS made of it. */
  socket: Socket
  timer: NodeJS.Timeout
  onclose (): void
  error?: Error
  /** Who is behind it, if that is known before its request. */
  client?: Peer
  /** It asked for something else than a WebSocket. */
  dismissed: boolean
}

export class Handshakes {
  /** By the socket that was accepted. */
  readonly #pending = new Map<Socket, Handshake>()
  #dismissed = 0
  readonly #timeout: number
  readonly #onfailed: (stage: HandshakeStage, error: Error) => void

  /**
   * @param timeout - from `begin` to `finish`, ms
   * @param onfailed - called once for each socket that closed before either `finish` or `dismiss`
   */
  constructor (timeout: number, onfailed: (stage: HandshakeStage, error: Error) => void) {
    this.#timeout = Math.min(timeout, MAX_DELAY)
    this.#onfailed = onfailed
  }

  /** How many may still become a WebSocket. */
  get pending (): number {
    return this.#pending.size - this.#dismissed
  }

  /** A socket was accepted. */
  begin (socket: Socket): void {
    const handshake: Handshake = {
      stage: 'accept',
      socket,
      timer: setTimeout(this.#expire, this.#timeout, socket),
      onclose: () => { this.#onclose(socket, handshake) },
      dismissed: false
    }

    this.#pending.set(socket, handshake)
    socket.on('error', ignore)
    socket.on('close', handshake.onclose)
  }

  /** It has come this far; from here on `socket`, its own or the one over TLS, is what knows about errors. */
  enter (socket: Socket, stage: HandshakeStage): void {
    const handshake = this.#pending.get(rawSocket(socket))

    if (handshake == null) {
      return
    }

    handshake.socket = socket
    handshake.stage = stage

    // it asked for something else before, and asks for a WebSocket now
    if (handshake.dismissed) {
      handshake.dismissed = false
      handshake.timer = setTimeout(this.#expire, this.#timeout, rawSocket(socket))
      this.#dismissed--
    }
  }

  /** Remember who is behind it. */
  identify (socket: Socket, client: Peer): void {
    const handshake = this.#pending.get(rawSocket(socket))

    if (handshake != null) {
      handshake.client = client
    }
  }

  clientOf (socket: Socket): Peer | undefined {
    return this.#pending.get(rawSocket(socket))?.client
  }

  /** End it. The first error is the one that counts. */
  fail (socket: Socket, error: Error): void {
    const handshake = this.#pending.get(rawSocket(socket))

    if (handshake != null) {
      handshake.error ??= error
    }

    socket.destroy()
  }

  /** End it; that it was refused is no failure of its own. */
  drop (socket: Socket): void {
    this.dismiss(socket)
    socket.destroy()
  }

  /** It asked for something else than a WebSocket: until it asks for one it has no deadline, and cannot fail. */
  dismiss (socket: Socket): void {
    const handshake = this.#pending.get(rawSocket(socket))

    // a second request on one socket
    if (handshake?.dismissed === false) {
      handshake.dismissed = true
      this.#dismissed++
      clearTimeout(handshake.timer)
    }
  }

  /** It is a WebSocket, no longer ours to end. */
  finish (socket: Socket): void {
    const raw = rawSocket(socket)
    const handshake = this.#pending.get(raw)

    if (handshake != null) {
      this.#forget(raw, handshake)
    }

    // below TLS there is nobody else
    if (raw === socket) {
      raw.removeListener('error', ignore)
    }
  }

  /** End all that are pending; resolves when each has closed, and was counted. */
  async endAll (): Promise<void> {
    await Promise.all(Array.from(this.#pending.keys(), async socket => new Promise<void>(resolve => {
      socket.once('close', () => { resolve() })
      socket.destroy()
    })))
  }

  readonly #expire = (socket: Socket): void => {
    this.fail(socket, new TimeoutError('No WebSocket within the handshake timeout'))
  }

  #onclose (raw: Socket, handshake: Handshake): void {
    const { stage, error, socket, dismissed } = handshake
    this.#forget(raw, handshake)

    if (!dismissed) {
      this.#onfailed(stage, error ?? socket.errored ?? raw.errored ?? new Error('The socket ended'))
    }
  }

  /** Nothing of it may cost memory while the WebSocket is idle. */
  #forget (raw: Socket, { timer, onclose, dismissed }: Handshake): void {
    this.#dismissed -= dismissed ? 1 : 0
    clearTimeout(timer)
    raw.removeListener('close', onclose)
    this.#pending.delete(raw)
  }
}

/** An error of a socket is followed by its `close`. */
function ignore (): void {}
