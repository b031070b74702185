/** Upgrades by a client that does as little as it can. */
import { once } from 'node:events'
import { connect } from 'node:net'

const PARALLEL = 16
const REQUEST = ['GET / HTTP/1.1', 'Host: 127.0.0.1', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''].join('\r\n')
const ACCEPTED = 'HTTP/1.1 101 '

/** Upgrade, reset, and again, so many at once; how many in `window` ms. */
export async function accepts ({ port, window }: { port: number, window: number }): Promise<number> {
  const end = performance.now() + window
  let count = 0

  await Promise.all(Array.from({ length: PARALLEL }, async () => {
    while (performance.now() < end) {
      await upgrade(port)
      count++
    }
  }))

  return count
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
