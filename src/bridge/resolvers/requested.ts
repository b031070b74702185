import { InvalidParametersError } from '@libp2p/interface'
import { parseTarget } from '../target.ts'
import { allow } from './allow.ts'
import { fieldReader } from './field.ts'
import type { Field } from './field.ts'
import type { Resolver } from '../resolver.ts'

export interface RequestedOptions {
  /** Where the client puts the address: `query:target`, `header:X-Target`, ... */
  from: Field
  /** What it may be: the rules of `allow`. Anything else would hand out the network of the bridge. */
  allow: string[]
}

/**
 * Clients name the address of their peer themselves. One that names none is refused with 404, one that names what is no
 * address with 400, one that names what is not allowed with 403.
 *
 * @throws {InvalidParametersError} a place that is none, no rules, or a rule that is none
 */
export function requested ({ from, allow: rules }: RequestedOptions): Resolver {
  const addressOf = fieldReader(from)

  if (!Array.isArray(rules) || rules.length === 0) {
    throw new InvalidParametersError('clients may name a target only with rules that allow it: give allow')
  }

  return allow(rules, (request) => {
    const address = addressOf(request)

    if (address == null) {
      return
    }

    try {
      parseTarget(address)
    } catch {
      return { status: 400, reason: 'No address of a target' }
    }

    return { address }
  })
}
