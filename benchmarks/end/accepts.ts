/** How fast a server accepts WebSockets, by a client that does as little as it can, so that the server is what is measured. */
import { once } from 'node:events'
import { connect } from 'node:net'

const PARALLEL = 16
const REQUEST = ['GET / HTTP/1.1', 'Host: 127.0.0.1', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''].join('\r\n')
const ACCEPTED = 'HTTP/1.1 101 '

/** Upgrade, reset, and again, so many at once; how many per second. */
export async function accepts ({ port, warmUp, window }: { port: number, warmUp: number, window: number }): Promise<number> {
  const begin = performance.now() + warmUp
  const end = begin + window
  let count = 0

  await Promise.all(Array.from({ length: PARALLEL }, async () => {
    while (performance.now() < end) {
      await upgrade(port)

      if (performance.now() >= begin) {
        count++
      }
    }
  }))

  return count / (performance.now() - begin) * 1_000
}

async function upgrade (port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.write(REQUEST)
  const [answer] = await once(socket, 'data')

  if (!answer.toString('latin1').startsWith(ACCEPTED)) {
    throw new Error(`it was refused: ${answer}`)
  }

  // or else each leaves a port that cannot be used for a minute
  socket.resetAndDestroy()
}
