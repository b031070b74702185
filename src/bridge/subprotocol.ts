/** Which of the offered subprotocols a client gets. */

/**
 * - a name, or several, the best first: one of them must be offered;
 * - `*`: the first that is offered, none where none is;
 * - `''`: none, whatever is offered. Browsers give up where they offered some.
 */
export type SubprotocolRule = string | readonly string[]

export interface SubprotocolOptions {
  /**
   * As websocksy: names are compared without regard to case, the client's spelling is answered, and a client that
   * offers nothing that fits is accepted without a subprotocol.
   *
   * @default false
   */
  lenient?: boolean
}

/** @returns one of `offers`, as it is written there; `''`: none; `false`: refuse the client */
export function chooseSubprotocol (rule: SubprotocolRule, offers: readonly string[], { lenient = false }: SubprotocolOptions = {}): string | false {
  if (rule === '') {
    return ''
  }

  if (rule === '*') {
    return offers[0] ?? ''
  }

  const same = lenient ? (a: string, b: string) => a.toLowerCase() === b.toLowerCase() : (a: string, b: string) => a === b
  const [chosen] = [rule].flat().flatMap(name => offers.find(offer => same(offer, name)) ?? [])

  return chosen ?? (lenient ? '' : false)
}
