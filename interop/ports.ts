import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { AddressInfo } from 'node:net'

/** Free a moment ago: for servers that cannot choose a port and say which. */
export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  server.close()
  await once(server, 'close')

  return port
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
