import { parse } from '../framings/index.ts'
import { parseTarget } from '../target.ts'
import type { Resolution, Resolver } from '../resolver.ts'

/**
 * The same peer for everyone: the `defaultpeer` of websocksy.
 *
 * @throws {InvalidMultiaddrError} it cannot be dialled
 * @throws {InvalidParametersError} its framing is none
 */
export function fixed (resolution: Resolution): Resolver {
  checkResolution(resolution)

  return () => resolution
}

/** What is known at the start shall not fail later. */
export function checkResolution ({ address, framing }: Resolution): void {
  parseTarget(address)

  if (typeof framing === 'string') {
    parse(framing)
  }
}
