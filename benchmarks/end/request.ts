/** The first five bytes of a pipe: what the client wants of the server. */
import { echo } from './traffic.ts'
import type { Traffic } from './traffic.ts'
import type { Bytes, Pipe } from '../peers/peer.ts'

/**
 * - `upload`, `download`, `both`: who sends; the other one counts.
 * - `echo`: the server sends back what comes.
 * - `stall`: the client sends, the server stops reading.
 */
export type Verb = typeof VERBS[number]

const VERBS = ['upload', 'download', 'both', 'echo', 'stall'] as const
const LENGTH = 5

/** `size` is that of each write of the server, bytes. */
export function request (pipe: Pipe, verb: Verb, size: number): void {
  const bytes = new Uint8Array(LENGTH)
  bytes[0] = VERBS.indexOf(verb)
  new DataView(bytes.buffer).setUint32(1, size)
  pipe.send(bytes)
}

/** Wait for the request, and do what it says. */
export function serve (pipe: Pipe, traffic: Traffic): void {
  const header = new Uint8Array(LENGTH)
  let length = 0

  pipe.ondata = (data: Bytes) => {
    const part = data.subarray(0, LENGTH - length)
    header.set(part, length)
    length += part.byteLength

    if (length === LENGTH) {
      answer(pipe, traffic, VERBS[header[0]], new DataView(header.buffer).getUint32(1))

      if (data.byteLength > part.byteLength) {
        pipe.ondata(data.subarray(part.byteLength))
      }
    }
  }
}

function answer (pipe: Pipe, traffic: Traffic, verb: Verb, size: number): void {
  if (verb === 'echo') {
    echo(pipe)
    return
  }

  traffic.receive(pipe)

  if (verb === 'stall') {
    pipe.pause()
  } else if (verb !== 'upload') {
    traffic.send(pipe, { size })
  }
}
