import { MAX_DELAY } from '../../constants.ts'
import type { Socket, TcpNetConnectOpts } from 'node:net'

/** `net.connect`, or that of TLS. */
export type OpenSocket<T = TcpNetConnectOpts> = (target: T) => Socket

/**
 * Connects to the fastest of several addresses of one host: each has a head start over the next, and the rest are dropped
 * when the first connects (RFC 8305 section 5).
 */
export class Race {
  /** Rejects with an `AggregateError` when all have failed. */
  readonly winner: Promise<Socket>

  readonly #waiting: TcpNetConnectOpts[]
  readonly #open: OpenSocket
  readonly #delay: number
  readonly #onwon: (socket: Socket) => void
  readonly #running = new Set<Socket>()
  readonly #errors: Error[] = []
  readonly #resolve: (socket: Socket) => void
  readonly #reject: (error: Error) => void
  #timer: NodeJS.Timeout | undefined

  /** `onwon` takes over the errors of the winner, at once: by the time that the promise is seen, one may have come. */
  constructor (targets: TcpNetConnectOpts[], open: OpenSocket, delay: number, onwon: (socket: Socket) => void) {
    const { promise, resolve, reject } = Promise.withResolvers<Socket>()

    this.winner = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#waiting = [...targets]
    this.#open = open
    this.#delay = Math.min(delay, MAX_DELAY)
    this.#onwon = onwon
    this.#startNext()
  }

  /** Nobody has won, and nobody will. */
  destroy (): void {
    clearTimeout(this.#timer)
    this.#waiting.length = 0
    this.#running.forEach(socket => { socket.destroy() })
  }

  readonly #startNext = (): void => {
    const target = this.#waiting.shift()
    clearTimeout(this.#timer)

    if (target == null) {
      return
    }

    const socket = this.#open(target)
    this.#running.add(socket)
    socket.once('connect', () => { this.#win(socket) })
    socket.once('error', error => { this.#lose(socket, error) })

    if (this.#waiting.length > 0) {
      this.#timer = setTimeout(this.#startNext, this.#delay)
    }
  }

  #win (socket: Socket): void {
    this.#onwon(socket)
    this.#running.delete(socket)
    this.destroy()
    this.#resolve(socket)
  }

  #lose (socket: Socket, error: Error): void {
    // it has won, and failed later
    if (!this.#running.has(socket)) {
      return
    }

    this.#errors.push(error)
    this.#running.delete(socket)
    this.#startNext()

    if (this.#running.size === 0) {
      this.#reject(new AggregateError(this.#errors, ''))
    }
  }
}
