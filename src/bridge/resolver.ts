/**
 * A Resolver says which peer a client gets.
 */
import type { Framing } from './framing.ts'
import type { BridgeRequest } from './request.ts'
import type { AddressInput } from '../address/index.ts'
import type { Refusal } from '../server/index.ts'

/** The peer of one client. */
export interface Resolution {
  /** Where it is: what `parseTarget` takes. */
  address: AddressInput

  /**
   * The subprotocol of the WebSocket, one of those that the client offers; `''` for none.
   *
   * @default what the bridge chooses
   */
  protocol?: string

  /**
   * Makes messages of what the peer sends, as function or as text (`newline:lf`).
   *
   * @default that of the bridge
   */
  framing?: Framing | string
}

/**
 * Called with each client, before anything is dialled. Nothing refuses the client with status 404, a `Refusal` with its own, an
 * error with 500.
 */
export type Resolver = (request: BridgeRequest) => Resolution | Refusal | undefined | Promise<Resolution | Refusal | undefined>

export function isRefusal (resolved: Resolution | Refusal): resolved is Refusal {
  return 'status' in resolved
}
