/** Room for sessions: as many as the limits allow, of all clients and of each address. */
import { BRIDGE_MAX_SESSIONS } from '../constants.ts'
import type { BridgeRules } from './options.ts'

export class Slots {
  #taken = 0
  readonly #byAddress = new Map<string, number>()

  /**
   * Take one, and give it back with `release`.
   *
   * @param address - of the client, without port; `''` where it has none, as with Unix sockets
   * @param rules - the limits of now
   * @returns which limit is in the way, or nothing
   */
  take (address: string, rules: BridgeRules): 'limit' | 'address_limit' | undefined {
    const { maxSessions = BRIDGE_MAX_SESSIONS, maxSessionsPerAddress = Infinity } = rules
    const taken = this.#byAddress.get(address) ?? 0

    if (this.#taken >= maxSessions) {
      return 'limit'
    }

    if (address !== '' && taken >= maxSessionsPerAddress) {
      return 'address_limit'
    }

    this.#taken++
    this.#byAddress.set(address, taken + 1)
  }

  release (address: string): void {
    const left = (this.#byAddress.get(address) ?? 0) - 1
    this.#taken--

    if (left > 0) {
      this.#byAddress.set(address, left)
    } else {
      this.#byAddress.delete(address)
    }
  }
}
