/**
 * How each kind of work is measured. Both processes are new for every measurement, so none profits from what the
 * just-in-time compiler learned for another, and every sample has its own share of the luck of one process.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { withEnds } from './ends.ts'
import { percentile } from './stats.ts'
import { CountingProxy } from './wire.ts'
import type { Case, Work } from './cases.ts'
import type { Sample } from './end/end.ts'
import type { Ends } from './ends.ts'
import type { PeerName } from './peers/index.ts'
import type { Certificate } from './peers/peer.ts'

const KIB = 1_024
const MIB = 1_048_576
const GIB = 1_073_741_824
const POLL = 20
const DELIVERY_TIMEOUT = 10_000

/** How long things take, ms. */
export interface Times {
  /** From the start of the work to the first figure that counts. */
  warmUp: number
  /** In which figures count. */
  window: number
  /** For memory to come to rest, and for a reader to stall. */
  settle: number
}

export interface MeasureOptions {
  peer: PeerName
  /** For the cases over TLS. */
  certificate: Certificate
  /** Where the processes leave their CPU profiles. */
  profile?: string
}

/** Figures by the name of their metric. */
export type Figures = Record<string, number>

type Measure<W extends Work = Work> = (work: W, ends: Ends, port: number, times: Times) => Promise<Figures>

const MEASURES: { [K in Work['kind']]: Measure<Extract<Work, { kind: K }>> } = {
  transfer, roundTrips, dials, memory, stall, wire
}

export async function measure ({ layer, tls, work }: Case, { peer, certificate, profile }: MeasureOptions, times: Times): Promise<Figures> {
  return withEnds({ peer, layer, certificate: tls ? certificate : undefined }, profile, async (ends) => {
    const port = await ends.server.call('listen')

    return (MEASURES[work.kind] as Measure)(work, ends, port, times)
  })
}

/** Bytes that receivers count between two moments of a transfer that goes on before and after. */
async function transfer ({ verb, size, connections, streams }: Extract<Work, { kind: 'transfer' }>, ends: Ends, port: number, { warmUp, window }: Times): Promise<Figures> {
  await ends.client.call('connect', { port, connections, streams })
  await ends.client.call('transfer', { verb, size })
  await sleep(warmUp)
  const before = await samples(ends)
  await sleep(window)
  const after = await samples(ends)
  await delivered(ends)

  const client = rates(before.client, after.client)
  const server = rates(before.server, after.server)
  const rate = client.received + server.received

  return {
    'MB/s': rate / 1e6,
    'client CPU s/GiB': client.cpu / rate * GIB,
    'server CPU s/GiB': server.cpu / rate * GIB
  }
}

async function roundTrips ({ connections, streams, loadSize }: Extract<Work, { kind: 'roundTrips' }>, ends: Ends, port: number, { warmUp, window }: Times): Promise<Figures> {
  await ends.client.call('connect', { port, connections, streams })
  const times = await ends.client.call('roundTrips', {
    warmUp,
    // beside an upload they take ms, and a p99 needs hundreds of them
    window: loadSize === 0 ? window : window * 4,
    loadSize
  })

  return {
    'p50 us': percentile(times, 50) * 1_000,
    'p99 us': percentile(times, 99) * 1_000,
    'p99.9 us': percentile(times, 99.9) * 1_000
  }
}

async function dials (_: unknown, { client }: Ends, port: number, { warmUp, window }: Times): Promise<Figures> {
  return { 'dials/s': await client.call('dials', { port, warmUp, window }) }
}

/** The slope between two numbers of connections, so that what the first ones load and compile does not count. */
async function memory ({ connections }: Extract<Work, { kind: 'memory' }>, { client, server }: Ends, port: number, { settle }: Times): Promise<Figures> {
  const connect = async (count: number): Promise<Pick<Sample, 'rss' | 'heap'>> => {
    await client.call('connect', { port, connections: count, streams: 0 })
    const samples = [await server.call('sample', { gc: true })]

    // memory goes back to the system some time after a collection
    for (let i = 0; i < 4; i++) {
      await sleep(settle / 4)
      samples.push(await server.call('sample', { gc: true }))
    }

    return { rss: Math.min(...samples.map(({ rss }) => rss)), heap: Math.min(...samples.map(({ heap }) => heap)) }
  }
  const before = await connect(Math.ceil(connections / 2))
  const after = await connect(connections)

  return {
    'KiB/connection': (after.rss - before.rss) / connections / KIB,
    'heap KiB/connection': (after.heap - before.heap) / connections / KIB
  }
}

/** What a sender that obeys flow control piles up, on both sides, while the receiver does not read. */
async function stall ({ size, bytes }: Extract<Work, { kind: 'stall' }>, ends: Ends, port: number, { settle }: Times): Promise<Figures> {
  await ends.client.call('connect', { port })
  const before = await samples(ends, true)
  await ends.client.call('transfer', { verb: 'stall', size, limit: bytes, fresh: true })

  const end = performance.now() + settle
  let client = 0
  let server = 0
  let after

  do {
    await sleep(POLL)
    after = await samples(ends)
    client = Math.max(client, after.client.rss - before.client.rss)
    server = Math.max(server, after.server.rss - before.server.rss)
  } while (performance.now() < end)

  return {
    'client growth MiB': client / MIB,
    'server growth MiB': server / MIB,
    'accepted MiB': after.client.sent / MIB
  }
}

/** Handshakes included. */
async function wire ({ size, bytes }: Extract<Work, { kind: 'wire' }>, ends: Ends, port: number): Promise<Figures> {
  const proxy = new CountingProxy(port)

  try {
    await ends.client.call('connect', { port: await proxy.listen() })
    await ends.client.call('transfer', { verb: 'upload', size, limit: bytes })
    await delivered(ends, bytes)
  } finally {
    proxy.close()
  }

  const figures: Figures = { 'bytes/MiB': proxy.bytes / bytes * MIB }

  return proxy.frames == null ? figures : { ...figures, 'frames/MiB': proxy.frames / bytes * MIB }
}

async function samples ({ client, server }: Ends, gc = false): Promise<{ client: Sample, server: Sample }> {
  const [clientSample, serverSample] = await Promise.all([client.call('sample', { gc }), server.call('sample', { gc })])

  return { client: clientSample, server: serverSample }
}

/** Bytes per second, and seconds of CPU time per second. */
function rates (before: Sample, after: Sample): { received: number, cpu: number } {
  const seconds = (after.time - before.time) / 1_000

  return { received: (after.received - before.received) / seconds, cpu: (after.cpu - before.cpu) / seconds }
}

/**
 * Stop sending, now or when `bytes` have been sent, and wait until everything has arrived.
 *
 * @throws {Error} it has not: what was measured is no transfer
 */
async function delivered (ends: Ends, bytes = 0): Promise<void> {
  const deadline = performance.now() + DELIVERY_TIMEOUT

  if (bytes === 0) {
    await Promise.all([ends.client.call('stop'), ends.server.call('stop')])
  }

  for (;;) {
    const { client, server } = await samples(ends)
    const lost = client.sent - server.received + server.sent - client.received

    if (lost === 0 && client.sent >= bytes) {
      return
    }

    if (performance.now() > deadline) {
      throw new Error(`${lost} of ${client.sent + server.sent} bytes did not arrive; the sender ended with ${client.error ?? server.error}`)
    }

    await sleep(POLL)
  }
}
