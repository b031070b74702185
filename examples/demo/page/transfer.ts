/** Bytes to and from the node, for as long as somebody wants. */
import { SINK, SOURCE } from '../protocol.ts'
import type { Connection, Stream } from '@libp2p/interface'

const CHUNK = new Uint8Array(65_536)
/** Bytes sent between two turns of the event loop, so that the page stays alive. */
const BREAK_EVERY = 1_048_576

/** Sends until it is stopped. */
export async function upload (connection: Connection): Promise<Stream> {
  const stream = await connection.newStream(SINK)

  const send = (): void => {
    let sent = 0
    // one drain wakes all streams of a connection, those too whose own window is used up
    let canSendMore = !stream.writableNeedsDrain

    while (stream.writeStatus === 'writable' && canSendMore && sent < BREAK_EVERY) {
      canSendMore = stream.send(CHUNK)
      sent += CHUNK.length
    }

    if (stream.writeStatus === 'writable' && canSendMore) {
      setTimeout(send)
    }
  }

  stream.addEventListener('drain', send)
  send()

  return stream
}

/** Takes what the node sends, until it is stopped. */
export async function download (connection: Connection, onBytes: (bytes: number) => void): Promise<Stream> {
  const stream = await connection.newStream(SOURCE)
  stream.addEventListener('message', ({ data }) => { onBytes(data.byteLength) })

  return stream
}

export function stop (stream?: Stream): void {
  stream?.abort(new Error('the user has seen enough'))
}
