/** The rules of a bridge, checked once and ready to be followed. */
import { InvalidParametersError } from '@libp2p/interface'
import { parseFraming } from './framings/parse.ts'
import { fixed } from './resolvers/fixed.ts'
import type { Framing } from './framing.ts'
import type { FramingOptions } from './framings/index.ts'
import type { BridgeRules } from './options.ts'
import type { Resolver } from './resolver.ts'

/** With a resolver, whichever way the target was given. */
export interface CheckedRules extends BridgeRules {
  resolve: Resolver
}

/**
 * @throws {InvalidParametersError} not exactly one of `target` and `resolve`, or something that is none of its kind
 * @throws {InvalidMultiaddrError} a target that cannot be dialled
 */
export function checkRules (rules: BridgeRules): CheckedRules {
  const { target, resolve, framing, proxyProtocol, maxSessions = 1, maxSessionsPerAddress = 1 } = rules

  if ((target == null) === (resolve == null)) {
    throw new InvalidParametersError('a bridge needs either a target or a resolver')
  }

  framingOf(framing)

  if (![undefined, 1, 2].includes(proxyProtocol)) {
    throw new InvalidParametersError(`there is no PROXY protocol version ${proxyProtocol}: 1 or 2`)
  }

  if (!(maxSessions > 0 && maxSessionsPerAddress > 0)) {
    throw new InvalidParametersError('maxSessions and maxSessionsPerAddress must be above 0')
  }

  return { ...rules, resolve: target == null ? resolve as Resolver : fixed({ address: target }) }
}

/**
 * Nothing for `binary`: what comes is passed on as it is.
 *
 * @param form - as in the options
 * @param options - for those that are made of text
 * @throws {InvalidParametersError} there is no such framing
 */
export function framingOf (form: string | Framing = 'binary', options?: FramingOptions): Framing | undefined {
  if (typeof form === 'function') {
    return form
  }

  const framing = parseFraming(form, options)

  return form.trim().toLowerCase() === 'binary' ? undefined : framing
}
