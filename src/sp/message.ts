import { InvalidParametersError } from '@libp2p/interface'
import type { WaitOptions } from './waiter.ts'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface SendOptions extends WaitOptions {
  /**
   * Leave as a WebSocket text message; the body must be UTF-8 (`NN_WS_MSG_TYPE`).
   *
   * @default the option of the socket
   */
  text?: boolean
}

/** As it goes to a pipe. */
export interface Outgoing {
  data: Uint8Array | Uint8ArrayList
  text: boolean
}

/**
 * The bytes of a body. They are not copied: they belong to the socket from now on.
 *
 * @throws {InvalidParametersError} neither bytes nor text, or no UTF-8 where it is to leave as text
 */
export function encodeBody (body: Uint8Array | string, text: boolean): Uint8Array {
  if (typeof body === 'string') {
    return new TextEncoder().encode(body)
  }

  if (!(body instanceof Uint8Array)) {
    throw new InvalidParametersError('a body is a Uint8Array or a string')
  }

  if (text) {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(body)
    } catch {
      throw new InvalidParametersError('a body that leaves as text must be UTF-8')
    }
  }

  return body
}
