/** A side that does not read stops the other, at a bounded amount, and loses nothing. */
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { checker, chunkAt, openEcho } from '../js/protocols.ts'
import { meet } from '../meeting.ts'
import type { Pairing } from '../meeting.ts'
import type { Stream } from '@libp2p/interface'

const MIB = 1_048_576
/** A stream has a window of 16 MiB at most each way, and each side reads a chunk. */
const STREAM_LIMIT = 34 * MIB
/** Much more than the socket buffers of both ends, through windows that start at 256 KiB. */
const STREAMS = 128
const CONNECTION_LIMIT = STREAMS * MIB / 4 + 16 * MIB
/** What our process may grow by meanwhile: twice what a stalled connection may hold. */
const MEMORY_LIMIT = 2 * CONNECTION_LIMIT
/** A stream that has not drained for this long, ms, is stalled. */
const STALLED = 200

/** `readsAhead`: its echo takes whatever comes, however slowly we read: only the frozen peer is a case then */
export function flow (pairing: Pairing, readsAhead = false): void {
  if (!readsAhead) {
    it('a stream that nobody reads stops its writer', async () => {
      const { connection } = await meet(pairing)
      const stream = await openEcho(connection)

      // then the echo cannot write, so it does not read either
      stream.pause()
      const sent = await stall(stream)
      expect(sent).to.be.above(MIB / 4)
      expect(sent).to.be.below(STREAM_LIMIT)

      stream.resume()
      await expectEcho(stream, sent)
    })
  }

  it('a frozen peer stops all writers, memory stays flat', async () => {
    const { node, peer, connection } = await meet(pairing)
    const streams: Stream[] = []

    while (streams.length < STREAMS) {
      streams.push(await openEcho(connection))
    }

    const before = process.memoryUsage().rss
    peer.freeze()
    const sent = await Promise.all(streams.map(stall))
    expect(sent.reduce((a, b) => a + b)).to.be.below(CONNECTION_LIMIT)
    expect(process.memoryUsage().rss - before).to.be.below(MEMORY_LIMIT)

    peer.thaw()
    await Promise.all(streams.map(async (stream, i) => expectEcho(stream, sent[i])))
    await node.services.ping.ping(connection.remotePeer)
  })
}

/** Send the pattern until the stream takes no more; resolves with how much it took. */
async function stall (stream: Stream): Promise<number> {
  for (let sent = 0; ;) {
    const chunk = chunkAt(sent, 65_521)
    sent += chunk.length

    if (!stream.send(chunk)) {
      try {
        // each drain of a connection wakes all its streams, and one whose window is used up has to wait all the same
        do {
          await pEvent(stream, 'drain', { signal: AbortSignal.timeout(STALLED) })
        } while (stream.writableNeedsDrain)
      } catch {
        return sent
      }
    }
  }
}

/** Read the `length` bytes that were sent, and end the stream. */
async function expectEcho (stream: Stream, length: number): Promise<void> {
  const check = checker(length)

  await new Promise<void>((resolve, reject) => {
    stream.addEventListener('message', ({ data }) => {
      check.add(data)

      if (check.received === length) {
        resolve()
      }
    })
    stream.addEventListener('close', ({ error }) => { reject(error ?? new Error(`ended after ${check.received} of ${length} bytes`)) })
  })
  await stream.close()
}
