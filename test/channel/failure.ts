import { setTimeout as delay } from 'node:timers/promises'
import { dial } from '../../src/channel/index.ts'
import type { DialOptions } from '../../src/channel/index.ts'

/** The error of a dial that must fail, and must leave no socket at either end. */
export async function failure (address: string, options?: DialOptions): Promise<any> {
  const before = openSockets()
  const error = await dial(address, options).then(() => new Error(`the dial of ${address} succeeded`), (error: Error) => error)

  for (const deadline = performance.now() + 1_000; openSockets() > before;) {
    await delay(1)

    if (performance.now() > deadline) {
      throw new Error(`${openSockets() - before} sockets left by: ${error}`)
    }
  }

  return error
}

function openSockets (): number {
  return process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length
}
