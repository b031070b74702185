/**
 * What is spoken on the streams of a tunnel: nothing. A stream is the socket at its other end, byte by byte, with its ends;
 * for UDP it holds datagrams, each behind its length. The name of the protocol says which.
 *
 * Beside it there is a protocol that asks whether such streams would be taken, because libp2p lets a peer believe that it is
 * connected that was refused in the last message of Noise: whoever is let in gets a stream that ends at once.
 */
import { once } from 'node:events'
import { ConnectionFailedError } from '@libp2p/interface'
import type { Target } from '../target.ts'
import type { Connection, Stream, StreamCloseEvent } from '@libp2p/interface'

const NAME = '/ws-transport/tunnel/1.0.0'

export type Shape = 'bytes' | 'messages'

/** Also where a relay limits the connection: it is for the user to know what goes through it. */
export const LIMITED = { runOnLimitedConnection: true }

export function shapeOf ({ kind }: Target): Shape {
  return kind === 'udp' ? 'messages' : 'bytes'
}

/** The protocol of streams to a target of this shape. */
export function streamProtocol (shape: Shape): string {
  return `${NAME}/${shape === 'bytes' ? 'stream' : 'datagrams'}`
}

/** The protocol that asks for them. */
export function readyProtocol (shape: Shape): string {
  return `${streamProtocol(shape)}/ready`
}

/**
 * Ask whether the peer exposes a target of this shape to us.
 *
 * @throws {ConnectionFailedError} it does not; `cause` is what happened instead of an answer
 */
export async function askReady (connection: Connection, shape: Shape, signal: AbortSignal): Promise<void> {
  try {
    await closed(await connection.newStream(readyProtocol(shape), { ...LIMITED, signal }), signal)
  } catch (cause: any) {
    signal.throwIfAborted()

    const error = new ConnectionFailedError(cause.name === 'UnsupportedProtocolError'
      ? `${connection.remotePeer} exposes no ${shape === 'bytes' ? 'TCP or Unix socket' : 'UDP port'}: is the local address of the other kind, or is it not a tunnel?`
      : `${connection.remotePeer} has refused us: is our peer id among those that it allows?`)
    error.cause = cause
    throw error
  }
}

/** Both sides have ended a stream well. */
async function closed (stream: Stream, signal: AbortSignal): Promise<void> {
  if (stream.status === 'open') {
    const ended = once(stream, 'close', { signal })
    // where it fails, `ended` says so
    stream.close({ signal }).catch(() => {})
    const [{ error }] = await ended as [StreamCloseEvent]

    if (error != null) {
      throw error
    }
  } else if (stream.status !== 'closed') {
    throw new Error(`the stream is ${stream.status}`)
  }
}
