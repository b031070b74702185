/**
 * Round trips over `/ipfs/ping/1.0.0`, measured finer than in the whole milliseconds of the ping service.
 */
import { randomBytes } from 'node:crypto'
import { ProtocolError, TimeoutError } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { countOption, dialArgument, dialOptions, TLS_OPTIONS } from './command.ts'
import { describe, withConnection } from './node.ts'
import { formatDuration } from './output.ts'
import { openStream, receive } from './stream.ts'
import type { Command } from './command.ts'
import type { Output } from './output.ts'
import type { Connection } from '@libp2p/interface'

const PING = '/ipfs/ping/1.0.0'
const PAYLOAD = 32
/** From a ping to its answer, ms. */
const TIMEOUT = 10_000

/** All in ms. */
export interface RoundTrips {
  count: number
  min: number
  p50: number
  max: number
}

export const ping: Command = {
  name: 'ping',
  summary: 'measure round trips to a libp2p node',
  usage: '<multiaddr> [options]',
  positionals: [1, 1],
  options: {
    count: { type: 'string', value: 'N', default: '10', description: 'how many pings, one after the other' },
    ...TLS_OPTIONS
  },
  examples: [
    { what: 'a node on this machine', command: 'ping /ip4/127.0.0.1/tcp/8080/ws' },
    { what: 'one that must be who the address says, over TLS, for a script', command: 'ping /dns4/example.com/tcp/443/tls/ws/p2p/12D3KooW... --count 3 --json' }
  ],

  async run (args, { signal }, out) {
    const address = dialArgument(args)
    const count = countOption(args, 'count')

    await withConnection(address, await dialOptions(args), signal, async (connection) => {
      const facts = describe(connection)
      out.rows(facts)

      const roundTrips = await measureRoundTrips(connection, count, signal, (ms, i) => { out.talk(`ping ${i + 1}: ${formatDuration(ms)}`) })
      showRoundTrips(out, roundTrips)
      out.json({ ...facts, roundTrips })
    })
  }
}

/** Ping one after the other. */
export async function measureRoundTrips (connection: Connection, count: number, signal: AbortSignal, onRoundTrip: (ms: number, index: number) => void = () => {}): Promise<RoundTrips> {
  const times: number[] = []

  while (times.length < count) {
    const ms = await roundTrip(connection, signal)
    onRoundTrip(ms, times.push(ms) - 1)
  }

  return summary(times)
}

export function showRoundTrips (out: Output, { count, min, p50, max }: RoundTrips): void {
  out.row('round trip', `min ${formatDuration(min)}, median ${formatDuration(p50)}, max ${formatDuration(max)} (${count} pings)`)
}

/** @param times - at least one */
export function summary (times: number[]): RoundTrips {
  const sorted = [...times].sort((a, b) => a - b)

  return {
    count: sorted.length,
    min: sorted[0],
    p50: sorted[Math.ceil(sorted.length / 2) - 1],
    max: sorted[sorted.length - 1]
  }
}

/** A stream each: many peers answer on one for a few seconds only. Its opening is not counted. */
async function roundTrip (connection: Connection, signal: AbortSignal): Promise<number> {
  const stream = await openStream(connection, PING, signal)
  const payload = randomBytes(PAYLOAD)
  const answer = new Uint8ArrayList()
  const sent = performance.now()
  let answered: number | undefined

  const ended = receive(stream, (data) => {
    if (answered != null) {
      return
    }

    answer.append(data)

    if (answer.byteLength >= PAYLOAD) {
      answered = performance.now()
      stream.close().catch((err) => { stream.abort(err) })
    }
  })

  const timer = setTimeout(() => { stream.abort(new TimeoutError(`no answer to a ping within ${formatDuration(TIMEOUT)}`)) }, TIMEOUT)
  stream.send(payload)

  try {
    // to the end, because a node opens few ping streams at once
    await ended
  } catch (err) {
    // once there is an answer it does not matter how the stream ends
    if (answered == null) {
      throw err
    }
  } finally {
    clearTimeout(timer)
  }

  if (answered == null || !answer.equals(new Uint8ArrayList(payload))) {
    throw new ProtocolError('the answer to a ping was not its payload')
  }

  return answered - sent
}
