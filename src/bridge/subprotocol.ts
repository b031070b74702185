/** Subprotocols of a bridge: what a client is answered with, and what a target is offered. */

/** The first offer that the rule allows, as the client wrote it; `''` for none. */
export function chooseProtocol (rule: string | string[] | undefined, offers: readonly string[]): string {
  const allowed = listOf(rule).map(name => name.toLowerCase())

  return offers.find(offer => allowed.includes('*') || allowed.includes(offer.toLowerCase())) ?? ''
}

/** What a WebSocket target is offered: what the rule names, and for `*` what the client offers. */
export function offeredProtocols (rule: string | string[] | undefined, offers: readonly string[]): string[] {
  return [...new Set(listOf(rule).flatMap(name => name === '*' ? offers : [name]))]
}

function listOf (rule: string | string[] = []): string[] {
  return Array.isArray(rule) ? rule : [rule]
}
