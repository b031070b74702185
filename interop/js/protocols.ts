/** What the peers of the matrix say to each other, in JavaScript: the same as in `../go`, `../rust` and `../python`. */
import { ProtocolError } from '@libp2p/interface'
import { pEvent } from 'p-event'
import { servePerf } from '../../src/cli/perf.ts'
import { receive, sendZeros } from '../../src/cli/stream.ts'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

export const ECHO = '/echo/1.0.0'
export const PERF = '/perf/1.0.0'
/** Answered by a reset. */
export const RESET = '/reset/1.0.0'
export const MAX_STREAMS = 2_000

/** What is echoed: this block over and over. Its length is a prime, so a chunk that is lost or swapped is seen. */
const BLOCK = Uint8Array.from({ length: 65_521 }, (_, i) => i * 31 + (i >> 8) * 17)
/** So that any chunk is in one piece here. */
const BLOCKS = Buffer.concat([BLOCK, BLOCK, BLOCK])
const MAX_CHUNK = BLOCKS.length - BLOCK.length
/** A go node resets streams when more than 256 wait to be accepted. */
const BACKLOG = 200
const MANY = { maxInboundStreams: MAX_STREAMS, maxOutboundStreams: MAX_STREAMS }

/** Answer echo and perf. */
export async function serve (node: Libp2p): Promise<void> {
  await node.handle(ECHO, answerEcho, MANY)
  await servePerf(node)
  await node.handle(RESET, (stream) => { stream.abort(new Error('reset')) })
}

/** Send `length` bytes; resolves when they came back. */
export async function echo (connection: Connection, length: number): Promise<void> {
  await finishEcho(await openEcho(connection), length)
}

/** The same on `count` streams that are all open at once. */
export async function echoes (connection: Connection, count: number, length: number): Promise<void> {
  const streams: Stream[] = []

  while (streams.length < count) {
    streams.push(...await Promise.all(Array.from({ length: Math.min(BACKLOG, count - streams.length) }, async () => openEcho(connection))))
  }

  await Promise.all(streams.map(async (stream) => finishEcho(stream, length)))
}

export async function openEcho (connection: Connection): Promise<Stream> {
  return connection.newStream(ECHO, MANY)
}

export async function finishEcho (stream: Stream, length: number): Promise<void> {
  const check = checker(length)

  await Promise.all([receive(stream, check.add), sendPattern(stream, length)])
  check.end()
}

/** @returns the seconds from the request to the end of the answer */
export async function perf (connection: Connection, upload: number, download: number): Promise<number> {
  const stream = await connection.newStream(PERF)
  const header = new DataView(new ArrayBuffer(8))
  const started = performance.now()
  let received = 0

  header.setBigUint64(0, BigInt(download))
  stream.send(new Uint8Array(header.buffer))
  await Promise.all([
    receive(stream, (data) => { received += data.byteLength }),
    sendZeros(stream, upload)
  ])

  if (received !== download) {
    throw new ProtocolError(`received ${received} of ${download} bytes`)
  }

  return (performance.now() - started) / 1_000
}

/** Sends the pattern from one of its places on. */
export function chunkAt (at: number, length: number): Uint8Array {
  return BLOCKS.subarray(at % BLOCK.length, at % BLOCK.length + Math.min(length, BLOCK.length))
}

export function checker (length: number): { received: number, add (data: Uint8Array | Uint8ArrayList): void, end (): void } {
  const state = {
    received: 0,
    add (data: Uint8Array | Uint8ArrayList) {
      for (let bytes = data.subarray(); bytes.length > 0; bytes = bytes.subarray(MAX_CHUNK)) {
        const chunk = bytes.subarray(0, MAX_CHUNK)
        const at = state.received % BLOCK.length

        if (BLOCKS.compare(chunk, 0, chunk.length, at, at + chunk.length) !== 0) {
          throw new ProtocolError(`other bytes came back than were sent, after ${state.received}`)
        }

        state.received += chunk.length
      }
    },
    end () {
      if (state.received !== length) {
        throw new ProtocolError(`received ${state.received} of ${length} bytes`)
      }
    }
  }

  return state
}

async function sendPattern (stream: Stream, length: number): Promise<void> {
  for (let at = 0; at < length; at += BLOCK.length) {
    if (!stream.send(chunkAt(at, length - at))) {
      await pEvent(stream, 'drain', { rejectionEvents: ['close'] })
    }
  }

  await stream.close()
}

async function answerEcho (stream: Stream): Promise<void> {
  for await (const data of stream) {
    if (!stream.send(data)) {
      await pEvent(stream, 'drain', { rejectionEvents: ['close'] })
    }
  }

  await stream.close()
}
