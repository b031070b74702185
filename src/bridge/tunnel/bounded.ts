import { TimeoutError } from '@libp2p/interface'
import { MAX_DELAY } from '../../constants.ts'

/**
 * Run what takes a signal, for no longer than so many ms. Unlike with `AbortSignal.timeout`, no timer is left.
 *
 * @param ms - how long; then the signal has a `TimeoutError` as its reason
 * @param outer - ends it too
 * @param run - what to run
 */
export async function bounded <T> (ms: number, outer: AbortSignal, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const expired = new AbortController()
  const timer = setTimeout(() => { expired.abort(new TimeoutError(`not done within ${Math.round(ms)} ms`)) }, Math.min(ms, MAX_DELAY))

  try {
    return await run(AbortSignal.any([outer, expired.signal]))
  } finally {
    clearTimeout(timer)
  }
}
