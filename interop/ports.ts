/** TCP ports on loopback. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { cleanUp } from '../test/fixtures/clean-up.ts'
import { delay } from '../test/fixtures/delay.ts'
import type { AddressInfo, Server, Socket } from 'node:net'

/** @returns the port of a server that listens until the test is over */
export async function listening (server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  cleanUp(() => { server.close() })

  return (server.address() as AddressInfo).port
}

/** Resolves when something accepts connections; the time limit is that of the test. */
export async function accepting (port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')

    try {
      await once(socket, 'connect')
      return
    } catch {
      await delay(10)
    } finally {
      socket.destroy()
    }
  }
}

/** Lead each side's bytes to the other; they end together, however one ends. */
export function join (a: Socket, b: Socket): void {
  a.pipe(b).pipe(a)
  a.on('error', () => { b.destroy() }).on('close', () => { b.destroy() })
  b.on('error', () => { a.destroy() }).on('close', () => { a.destroy() })
}
