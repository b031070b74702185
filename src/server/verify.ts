/**
 * Whether an upgrade request gets a WebSocket: the hook of a listener that decides, and what comes of its answer.
 */
import { InvalidParametersError } from '@libp2p/interface'
import { validateHeaderName, validateHeaderValue } from '../node-http.ts'
import { answerUpgrade, refuseUpgrade } from './refuse.ts'
import type { Refusal } from './refuse.ts'
import type { Address } from '../address/index.ts'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** Who asks for a WebSocket. */
export interface Client {
  /** Where it is. */
  readonly remote: Address
  /** Fires when no WebSocket comes of the request: the client left, the handshake timed out or was refused, the server closes. */
  readonly signal: AbortSignal
}

/** Nothing and `true` accept the WebSocket, `false` refuses it with status 403. */
export type Verdict = Refusal | boolean | undefined | void

/** Decides about an upgrade request, at once or later; the handshake timeout goes on meanwhile. */
export type Verify = (request: IncomingMessage, client: Client) => Verdict | Promise<Verdict>

export class Verification {
  readonly #verify: Verify
  /** What fires the signal of each client that has no WebSocket yet. */
  readonly #pending = new Map<Socket, () => void>()

  constructor (verify: Verify) {
    this.#verify = verify
  }

  /**
   * Whether the hook accepts. If not, the client has its answer; one that left has none. Of one that passes the signal
   * fires when its socket closes, until `finish`. `onrefused` is called if the hook refuses, or throws.
   */
  async passes (request: IncomingMessage, socket: Socket, remote: Address, onrefused: (reason: 'verify' | 'verifyError') => void): Promise<boolean> {
    try {
      const refusal = await this.#ask(request, socket, remote)

      // it left, or we close and it was told so
      if (!socket.writable) {
        return false
      }

      if (refusal != null) {
        onrefused('verify')
        answerUpgrade(socket, refusal)
      }

      return refusal == null
    } catch (error: any) {
      onrefused('verifyError')
      refuseUpgrade(socket, 500, 'Internal Server Error', error)

      return false
    }
  }

  /** It is a WebSocket. */
  finish (socket: Socket): void {
    const onclose = this.#pending.get(socket)

    if (onclose != null) {
      socket.removeListener('close', onclose)
      socket.removeListener('end', leave)
      this.#pending.delete(socket)
    }
  }

  /** Refuse all that wait for the hook. */
  close (): void {
    for (const socket of this.#pending.keys()) {
      refuseUpgrade(socket, 503, 'This listener closes')
    }
  }

  async #ask (request: IncomingMessage, socket: Socket, remote: Address): Promise<Refusal | undefined> {
    const client = new PendingClient(remote)
    const onclose = (): void => {
      this.#pending.delete(socket)
      client.leave()
    }

    this.#pending.set(socket, onclose)
    socket.on('close', onclose)
    socket.on('end', leave)

    return refusalOf(await this.#verify(request, client))
  }
}

/** Most hooks never ask for the signal. */
class PendingClient implements Client {
  readonly remote: Address
  #gone: AbortController | undefined
  #left = false

  constructor (remote: Address) {
    this.remote = remote
  }

  get signal (): AbortSignal {
    this.#gone ??= new AbortController()

    if (this.#left) {
      this.#gone.abort()
    }

    return this.#gone.signal
  }

  leave (): void {
    this.#left = true
    this.#gone?.abort()
  }
}

/** A client that has nothing more to say wants no WebSocket. */
function leave (this: Socket): void {
  this.destroy()
}

/** @throws {InvalidParametersError} it is no verdict, or no answer that HTTP allows */
function refusalOf (verdict: Verdict): Refusal | undefined {
  if (verdict == null || verdict === true) {
    return
  }

  if (verdict === false) {
    return { status: 403 }
  }

  const { status, reason = '', headers = {} } = verdict

  if (!Number.isInteger(status) || status < 300 || status > 599) {
    throw new InvalidParametersError(`verify must return nothing, a boolean, or a refusal with a status from 300 to 599; its status was ${status}`)
  }

  validateHeaderValue('reason', reason)
  Object.entries(headers).forEach(([name, value]) => {
    validateHeaderName(name)
    validateHeaderValue(name, value)
  })

  return verdict
}
