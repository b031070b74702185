/** A bridge: sessions come in on one address, and each goes out to a target. */
import type { BridgeRules } from './options.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

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
   * Accept no more, close every session, with 1001 where it is a WebSocket, behind what was sent to it, and wait for that.
   * Bounded in time by `closeTimeout`.
   */
  close (): Promise<void>
}
