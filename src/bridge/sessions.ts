/** The sessions of a bridge: who is let in, and what comes of it. */
import { AbortError } from '@libp2p/interface'
import { CLOSE_TIMEOUT, CloseCode, MAX_DELAY } from '../constants.ts'
import { checkAccess } from './access.ts'
import { remoteName } from './listener.ts'
import { BridgeMetrics } from './metrics.ts'
import { openTarget } from './open-target.ts'
import { Relay } from './relay.ts'
import { checkRules } from './rules.ts'
import { Slots } from './slots.ts'
import type { Endpoint } from './endpoint.ts'
import type { EndReason } from './metrics.ts'
import type { Client, Denial, OpenTarget } from './open-target.ts'
import type { BridgeLog, BridgeOptions, BridgeRules } from './options.ts'
import type { RelayEnd } from './relay.ts'
import type { CheckedRules } from './rules.ts'
import type { Refusal } from '../server/index.ts'

/** A client that may come in: its target is open, and waits for it. */
export interface Admission extends OpenTarget {
  readonly id: number
  readonly remote: string
  /** Whose slot it has. */
  readonly address: string
}

const DENIALS = {
  limit: { reason: 'limit', refusal: { status: 503, reason: 'Too many sessions' } },
  address_limit: { reason: 'address_limit', refusal: { status: 429, reason: 'Too many sessions from your address' } },
  left: { reason: 'left', refusal: { status: 503 } }
} satisfies Record<string, Denial>

const ENDED_BY: Record<RelayEnd['by'], EndReason> = { a: 'client', b: 'target', relay: 'bridge' }

export class Sessions {
  readonly #options: BridgeOptions
  readonly #log: BridgeLog
  readonly #metrics = new BridgeMetrics()
  readonly #slots = new Slots()
  readonly #relays = new Set<Relay>()
  #rules: CheckedRules
  #count = 0

  constructor (options: BridgeOptions) {
    this.#options = options
    this.#log = options.log ?? (() => {})
    this.#rules = checkRules(options)
  }

  get size (): number {
    return this.#relays.size
  }

  get rules (): BridgeRules {
    return this.#rules
  }

  /** For the sessions that come. */
  set rules (rules) {
    this.#rules = checkRules(rules)
  }

  metrics (): string {
    const relays = [...this.#relays]

    return this.#metrics.text({
      sessions: relays.length,
      fromClients: relays.reduce((sum, { bytesFromA }) => sum + bytesFromA, 0),
      fromTargets: relays.reduce((sum, { bytesFromB }) => sum + bytesFromB, 0)
    })
  }

  /** Decide about a client, and open its target. Never rejects; what is admitted has to be started or abandoned. */
  async admit ({ request, ends, kind, signal }: Omit<Client, 'id'>): Promise<Admission | Refusal> {
    const rules = this.#rules
    const remote = remoteName(request.remote)
    const { host: address } = request.remote
    const refusal = checkAccess(request, rules)

    if (refusal != null) {
      return this.#deny(remote, { reason: refusal.status === 401 ? 'auth' : 'origin', refusal })
    }

    const limit = this.#slots.take(address, rules)

    if (limit != null) {
      return this.#deny(remote, DENIALS[limit])
    }

    const id = ++this.#count
    const opened = await openTarget({ id, request, ends, kind, signal }, rules, this.#options)

    if ('refusal' in opened) {
      this.#slots.release(address)

      return this.#deny(remote, opened)
    }

    return { id, remote, address, ...opened }
  }

  /** The client left before it was answered. */
  abandon ({ address, remote, target }: Admission): void {
    this.#slots.release(address)
    this.#deny(remote, DENIALS.left)
    target.abort(new AbortError('the client left'))
  }

  /** The client is here: pass everything on. */
  start (admission: Admission, client: Endpoint): void {
    const started = performance.now()
    const relay = new Relay(client, admission.target, admission.relay)
    const { id, remote, target } = admission

    this.#relays.add(relay)
    this.#metrics.opened++
    this.#log('info', 'open', { id, remote, target: target.remote })
    void relay.closed.then(end => { this.#onclosed(admission, relay, end, performance.now() - started) })
  }

  /** Close all behind what was sent to them; after `closeTimeout` they are dropped. */
  async close (): Promise<void> {
    const { closeTimeout = CLOSE_TIMEOUT } = this.#options
    const relays = [...this.#relays]
    const timer = setTimeout(() => {
      relays.forEach(relay => { relay.abort(new AbortError('the bridge is closed')) })
    }, Math.min(closeTimeout, MAX_DELAY))

    await Promise.all(relays.map(async relay => {
      void relay.close(CloseCode.GOING_AWAY)
      await relay.closed
    }))
    clearTimeout(timer)
  }

  #deny (remote: string, { reason, refusal, error }: Denial): Refusal {
    this.#metrics.countRefused(reason)
    this.#log(reason === 'error' ? 'error' : 'warn', 'refuse', { remote, reason, status: refusal.status, ...(error == null ? {} : { error: error.message }) })

    return refusal
  }

  #onclosed ({ id, remote, address }: Admission, relay: Relay, { by, end }: RelayEnd, ms: number): void {
    const { bytesFromA: fromClient, bytesFromB: fromTarget } = relay

    this.#relays.delete(relay)
    this.#slots.release(address)
    this.#metrics.countEnded(ENDED_BY[by], end.error != null, fromClient, fromTarget)
    this.#log(end.error == null ? 'info' : 'warn', 'close', {
      id,
      remote,
      by: ENDED_BY[by],
      code: end.code,
      ...(end.error == null ? {} : { error: end.error.message }),
      fromClient,
      fromTarget,
      ms: Math.round(ms)
    })
  }
}
