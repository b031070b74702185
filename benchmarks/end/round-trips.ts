import type { Pipe } from '../peers/peer.ts'

/**
 * Send one byte, wait until it is back, and again: `warmUp` ms that do not count, then `window` ms that do.
 *
 * @returns the time of each, ms
 */
export async function roundTrips (pipe: Pipe, warmUp: number, window: number): Promise<number[]> {
  const { promise, resolve } = Promise.withResolvers<number[]>()
  const byte = Uint8Array.of(1)
  const times: number[] = []
  const begin = performance.now() + warmUp
  let sent = performance.now()

  pipe.ondata = () => {
    const now = performance.now()

    if (sent >= begin) {
      times.push(now - sent)
    }

    if (now >= begin + window) {
      resolve(times)
      return
    }

    sent = performance.now()
    pipe.send(byte)
  }
  pipe.send(byte)

  return promise
}
