/**
 * One of the two processes of a measurement, client or server. It runs one peer and does what `Ends` asks over IPC:
 * `{ id, method, params }` is answered with `{ id, result }` or `{ id, error }`.
 */
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { PEERS } from '../peers/index.ts'
import { accepts } from './accepts.ts'
import { request, serve } from './request.ts'
import { roundTrips } from './round-trips.ts'
import { Traffic } from './traffic.ts'
import type { Verb } from './request.ts'
import type { SendOptions } from './traffic.ts'
import type { PeerName } from '../peers/index.ts'
import type { Connection, Pipe, Setup } from '../peers/peer.ts'

/** Where a process is at one point of time. */
export interface Sample {
  /** Its own clock, ms. */
  time: number
  /** CPU time of all its threads, s. */
  cpu: number
  /** Resident memory, bytes. */
  rss: number
  /** Objects of JavaScript in it, bytes. */
  heap: number
  /** Payload bytes that all pipes have taken, and given. */
  sent: number
  received: number
  /** Why a sender gave up, by name. */
  error?: string
}

export interface ConnectParams {
  port: number
  connections?: number
  /** Pipes of each connection. */
  streams?: number
}

export type End = typeof methods
export interface EndInit extends Setup { peer: PeerName }

const { peer: name, ...setup }: EndInit = JSON.parse(process.argv[2])

if (setup.certificate != null) {
  setDefaultCACertificates([...getCACertificates(), setup.certificate.cert])
}

const peer = await PEERS[name](setup)
const traffic = new Traffic()
const connections: Connection[] = []
const pipes: Pipe[] = []

const methods = {
  listen: async (): Promise<number> => peer.listen((pipe) => { serve(pipe, traffic) }),

  async connect ({ port, connections: count = 1, streams = 1 }: ConnectParams): Promise<void> {
    for (let i = 0; i < count; i++) {
      const connection = await peer.connect(port)
      connections.push(connection)

      for (let j = 0; j < streams; j++) {
        pipes.push(await connection.open())
      }
    }
  },

  /** Start on every pipe. */
  transfer ({ verb, ...options }: SendOptions & { verb: Verb }): void {
    for (const pipe of pipes) {
      traffic.receive(pipe)
      request(pipe, verb, options.size)

      if (verb !== 'download') {
        traffic.send(pipe, options)
      }
    }
  },

  /** Round trips on the first pipe, while the others upload; ms each. */
  async roundTrips ({ warmUp, window, loadSize }: { warmUp: number, window: number, loadSize: number }): Promise<number[]> {
    const [first, ...others] = pipes
    request(first, 'echo', 0)

    for (const pipe of others) {
      request(pipe, 'upload', loadSize)
      traffic.send(pipe, { size: loadSize })
    }

    return roundTrips(first, warmUp, window)
  },

  /** Dial one after the other, closing each as soon as it is open; how many per second. */
  async dials ({ port, warmUp, window }: { port: number, warmUp: number, window: number }): Promise<number> {
    const begin = performance.now() + warmUp
    let started = performance.now()
    let count = 0

    while (performance.now() < begin + window) {
      const connection = await peer.connect(port)
      connection.close()

      if (performance.now() < begin) {
        started = performance.now()
      } else {
        count++
      }
    }

    return count / (performance.now() - started) * 1_000
  },

  /** Round trips on the first `count` pipes at once; ms each. */
  async busy ({ count, warmUp, window }: { count: number, warmUp: number, window: number }): Promise<number[]> {
    const times = await Promise.all(pipes.slice(0, count).map(async pipe => {
      request(pipe, 'echo', 0)

      return roundTrips(pipe, warmUp, window)
    }))

    return times.flat()
  },

  accepts,

  sample ({ gc = false }: { gc?: boolean } = {}): Sample {
    if (gc) {
      globalThis.gc?.()
    }

    const { user, system } = process.cpuUsage()
    const { rss, heapUsed: heap } = process.memoryUsage()

    return {
      time: performance.now(),
      cpu: (user + system) / 1e6,
      rss,
      heap,
      sent: traffic.sent,
      received: traffic.received,
      error: traffic.error
    }
  },

  stop (): void {
    traffic.stop()
  }
}

process.on('message', ({ id, method, params }: { id: number, method: keyof End, params: any }) => {
  Promise.resolve(params)
    .then(methods[method] as (params: any) => unknown)
    .then((result) => process.send?.({ id, result }), (err) => process.send?.({ id, error: err.stack }))
})
process.on('disconnect', () => { process.exit() })
process.send?.({ id: 0 })
