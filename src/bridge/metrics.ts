/** Counts what a bridge does, and writes it as Prometheus reads it. */

/** https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Why a session did not come to be. */
export type RefusalReason = 'origin' | 'auth' | 'limit' | 'address_limit' | 'resolver' | 'protocol' | 'unreachable' | 'timeout' | 'left' | 'error'

/** Who ended a session. */
export type EndReason = 'client' | 'target' | 'bridge'

export class BridgeMetrics {
  opened = 0
  readonly #refused = new Map<RefusalReason, number>()
  readonly #ended = new Map<EndReason, number>()
  #failed = 0
  #fromClients = 0
  #fromTargets = 0

  countRefused (reason: RefusalReason): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1)
  }

  countEnded (by: EndReason, failed: boolean, fromClient: number, fromTarget: number): void {
    this.#ended.set(by, (this.#ended.get(by) ?? 0) + 1)
    this.#failed += failed ? 1 : 0
    this.#fromClients += fromClient
    this.#fromTargets += fromTarget
  }

  /**
   * @param live - what is open now, and not counted as ended
   * @param live.sessions - how many
   * @param live.fromClients - payload bytes
   * @param live.fromTargets - payload bytes
   */
  text (live: { sessions: number, fromClients: number, fromTargets: number }): string {
    return [
      family('bridge_sessions', 'gauge', 'Sessions that are open.', [['', live.sessions]]),
      family('bridge_sessions_opened_total', 'counter', 'Sessions that were opened.', [['', this.opened]]),
      family('bridge_sessions_ended_total', 'counter', 'Sessions that ended, by who ended them.', labelled('by', this.#ended)),
      family('bridge_sessions_failed_total', 'counter', 'Sessions that ended with an error.', [['', this.#failed]]),
      family('bridge_refused_total', 'counter', 'Sessions that were refused, by reason.', labelled('reason', this.#refused)),
      family('bridge_bytes_total', 'counter', 'Payload bytes, by who sent them.', [
        ['{from="client"}', this.#fromClients + live.fromClients],
        ['{from="target"}', this.#fromTargets + live.fromTargets]
      ])
    ].join('')
  }
}

function labelled (label: string, counts: Map<string, number>): Array<[string, number]> {
  return [...counts].map(([value, count]) => [`{${label}="${value}"}`, count])
}

function family (name: string, type: 'gauge' | 'counter', help: string, samples: Array<[string, number]>): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.map(([labels, value]) => `${name}${labels} ${value}\n`).join('')}`
}
