/**
 * A libp2p stream as a measurement needs it: sent with flow control, received as it comes.
 */
import { AbortError } from '@libp2p/interface'
import { StreamClosedError } from '@libp2p/utils'
import type { Connection, Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

const CHUNK = new Uint8Array(65_536)

/** Open a stream that is aborted when the signal fires. */
export async function openStream (connection: Connection, protocol: string, signal: AbortSignal): Promise<Stream> {
  const stream = await connection.newStream(protocol, { signal })
  const onAbort = (): void => { stream.abort(new AbortError()) }

  signal.addEventListener('abort', onAbort)
  stream.addEventListener('close', () => { signal.removeEventListener('abort', onAbort) })

  return stream
}

/**
 * Resolves when the peer has sent everything and closed its side. What arrived before the call is not lost.
 *
 * @throws {Error} what the stream was aborted or reset with
 */
export async function receive (stream: Stream, onData: (data: Uint8Array | Uint8ArrayList) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.addEventListener('message', ({ data }) => { onData(data) })
    stream.addEventListener('close', ({ error }) => { error == null ? resolve() : reject(error) })
    // an aborted or reset stream ends too, and its error comes with `close`
    stream.addEventListener('end', () => { if (stream.status !== 'aborted' && stream.status !== 'reset') { resolve() } })

    if (stream.readableEnded) {
      resolve()
    }
  })
}

/**
 * Send zeros, never faster than the peer takes them, then close our side.
 *
 * @param stream - where to
 * @param bytes - how many
 * @param onSent - called with the bytes of each chunk that was sent
 */
export async function sendZeros (stream: Stream, bytes: number, onSent: (bytes: number) => void = () => {}): Promise<void> {
  for (let left = bytes; left > 0; left -= CHUNK.byteLength) {
    const chunk = CHUNK.subarray(0, left)

    if (!stream.send(chunk)) {
      await drained(stream)
    }

    onSent(chunk.byteLength)
  }

  await stream.close()
}

/** Not `stream.onDrain()`: in version 7.4.1 of the libp2p utils it resolves at once from the second time on. */
async function drained (stream: Stream): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onDrain = (): void => { resolve() }
  const onClose = ({ error }: { error?: Error }): void => { reject(error ?? new StreamClosedError()) }

  stream.addEventListener('drain', onDrain)
  stream.addEventListener('close', onClose)

  try {
    await promise
  } finally {
    stream.removeEventListener('drain', onDrain)
    stream.removeEventListener('close', onClose)
  }
}
