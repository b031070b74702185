/**
 * The scalability protocols, a row for each. Over WebSocket the subprotocol is that of whoever listens
 * (sp-websocket-v1): one that dials offers that of its peer.
 */

export interface Protocol {
  /** As in the SP headers of other transports; WebSockets go by the name. */
  readonly id: number
  readonly name: ProtocolName
  /** What it talks to. */
  readonly peer: ProtocolName
}

export type ProtocolName = 'pair' | 'pair1' | 'pub' | 'sub' | 'req' | 'rep' | 'push' | 'pull' | 'surveyor' | 'respondent' | 'bus'

/** Names have no version: `pair` is version 0, `pair1` the only one of another. */
export const PROTOCOLS: Readonly<Record<ProtocolName, Protocol>> = {
  pair: { id: 0x10, name: 'pair', peer: 'pair' },
  pair1: { id: 0x11, name: 'pair1', peer: 'pair1' },
  pub: { id: 0x20, name: 'pub', peer: 'sub' },
  sub: { id: 0x21, name: 'sub', peer: 'pub' },
  req: { id: 0x30, name: 'req', peer: 'rep' },
  rep: { id: 0x31, name: 'rep', peer: 'req' },
  push: { id: 0x50, name: 'push', peer: 'pull' },
  pull: { id: 0x51, name: 'pull', peer: 'push' },
  surveyor: { id: 0x62, name: 'surveyor', peer: 'respondent' },
  respondent: { id: 0x63, name: 'respondent', peer: 'surveyor' },
  bus: { id: 0x70, name: 'bus', peer: 'bus' }
}

/** The WebSocket subprotocol of a listener that speaks `name`. */
export function subprotocol (name: ProtocolName): string {
  return `${name}.sp.nanomsg.org`
}

/**
 * What a listener that speaks `name` answers to the subprotocols that are offered: the one, as it was written, or
 * nothing. NNG takes the case as it comes, and refuses lists.
 */
export function acceptOffer (name: ProtocolName, offers: string[]): string | undefined {
  return offers.length === 1 && offers[0].toLowerCase() === subprotocol(name) ? offers[0] : undefined
}
