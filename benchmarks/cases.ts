/** What is measured: the work, at which layer, and which peers do it. */
import type { Verb } from './end/request.ts'
import type { PeerName } from './peers/index.ts'
import type { Layer } from './peers/peer.ts'

export interface Case {
  /** Cases of one group share a table. */
  group: string
  name: string
  /** One of the figures that the project promises. */
  headline: boolean
  layer: Layer
  tls: boolean
  peers: PeerName[]
  work: Work
}

export type Work =
  { kind: 'transfer', verb: Extract<Verb, 'upload' | 'download' | 'both'>, size: number, connections: number, streams: number } |
  // one byte on the first pipe; the others upload writes of `loadSize` bytes
  { kind: 'roundTrips', connections: number, streams: number, loadSize: number } |
  { kind: 'dials' } |
  { kind: 'memory', connections: number } |
  { kind: 'stall', size: number, bytes: number } |
  { kind: 'wire', size: number, bytes: number }

type Transfer = Partial<Omit<Extract<Work, { kind: 'transfer' }>, 'kind'>>
type Options = Partial<Pick<Case, 'headline' | 'tls' | 'peers'>>

export interface CaseSizes {
  /** Idle connections in the memory case; an eighth of it with noise. */
  idle: number
  /** At most so many connections in all others. */
  connections: number
  /** Offered to a stalled reader. */
  stalled: number
  /** Sent through the proxy that counts. */
  wire: number
}

const KIB = 1_024
const SIZES = [64, KIB, 16 * KIB, 64 * KIB, 1_024 * KIB]
const BULK_SIZE = 64 * KIB
const RAW: PeerName[] = ['net', 'ws', '@libp2p/tcp', '@libp2p/websockets', 'ws-transport']
const RAW_AND_CHANNEL: PeerName[] = [...RAW, 'channel']
const STACK: PeerName[] = ['@libp2p/tcp', '@libp2p/websockets', 'ws-transport']
const STACK_AND_TUNED: PeerName[] = [...STACK, 'ws-transport tuned']
const VERBS = ['upload', 'download', 'both'] as const
const LAYERS = { raw: 'raw connection', noise: 'noise and yamux', plaintext: 'yamux without encryption' }

export function createCases (sizes: CaseSizes): Case[] {
  return [
    ...throughput(),
    ...concurrency(sizes),
    ...latency(),
    ...handshakes(),
    ...memory(sizes),
    ...wire(sizes),
    ...secure()
  ]
}

function throughput (): Case[] {
  const oneWay = (layer: Layer, headlines: number[], peers?: PeerName[]): Case[] => SIZES.flatMap(size =>
    (['upload', 'download'] as const).map(verb => transfer(layer, { verb, size }, { headline: headlines.includes(size), peers })))
  const bothWays = (layer: Layer): Case[] => [KIB, BULK_SIZE].map(size => transfer(layer, { verb: 'both', size }))

  return [
    ...oneWay('raw', [KIB, BULK_SIZE], RAW_AND_CHANNEL),
    ...bothWays('raw'),
    ...oneWay('noise', [BULK_SIZE, 1_024 * KIB], STACK_AND_TUNED),
    ...bothWays('noise'),
    transfer('plaintext', { verb: 'upload' }),
    transfer('plaintext', { verb: 'download' })
  ]
}

function concurrency ({ connections }: CaseSizes): Case[] {
  return [
    ...[10, 100].flatMap(streams => VERBS.slice(0, 2).map(verb => transfer('noise', { verb, streams }))),
    ...[100, 1_000].map(count => transfer('raw', { connections: Math.min(count, connections) })),
    transfer('noise', { connections: Math.min(100, connections) })
  ]
}

function latency (): Case[] {
  const idle = (layer: Layer, headline: boolean): Case =>
    create('round trip', layer, 'idle', { kind: 'roundTrips', connections: 1, streams: 1, loadSize: 0 }, { headline })

  return [
    idle('raw', false),
    create('round trip', 'raw', 'beside an upload', { kind: 'roundTrips', connections: 2, streams: 1, loadSize: BULK_SIZE }),
    idle('noise', true),
    create('round trip', 'noise', 'beside an upload', { kind: 'roundTrips', connections: 1, streams: 2, loadSize: BULK_SIZE }, { headline: true }),
    idle('plaintext', false)
  ]
}

function handshakes (): Case[] {
  return [
    create('dials', 'raw', 'one after the other', { kind: 'dials' }, { headline: true }),
    create('dials', 'noise', 'one after the other', { kind: 'dials' }, { headline: true }),
    create('dials', 'raw', 'one after the other', { kind: 'dials' }, { tls: true }),
    create('dials', 'noise', 'one after the other', { kind: 'dials' }, { tls: true })
  ]
}

function memory ({ idle, stalled }: CaseSizes): Case[] {
  // each takes many ms of CPU time to open
  const idleNoise = Math.ceil(idle / 8)

  return [
    create('idle memory', 'raw', `${idle} connections`, { kind: 'memory', connections: idle }, { headline: true }),
    create('idle memory', 'noise', `${idleNoise} connections`, { kind: 'memory', connections: idleNoise }),
    create('stalled reader', 'raw', '64 KiB writes', { kind: 'stall', size: BULK_SIZE, bytes: stalled }, { headline: true }),
    create('stalled reader', 'noise', '64 KiB writes', { kind: 'stall', size: BULK_SIZE, bytes: stalled }, { headline: true })
  ]
}

function wire ({ wire: bytes }: CaseSizes): Case[] {
  return (['raw', 'noise'] as const).flatMap(layer => [KIB, BULK_SIZE].map(size =>
    create('on the wire', layer, `${formatSize(size)} writes`, { kind: 'wire', size, bytes })))
}

function secure (): Case[] {
  return (['raw', 'noise'] as const).flatMap(layer => (['upload', 'download'] as const).map(verb =>
    transfer(layer, { verb }, { tls: true })))
}

function transfer (layer: Layer, { verb = 'upload', size = BULK_SIZE, connections = 1, streams = 1 }: Transfer, options?: Options): Case {
  const name = [
    `${verb} ${formatSize(size)}`,
    ...(connections > 1 ? [`${connections} connections`] : []),
    ...(streams > 1 ? [`${streams} streams`] : [])
  ]

  return create('throughput', layer, name.join(', '), { kind: 'transfer', verb, size, connections, streams }, options)
}

function create (group: string, layer: Layer, name: string, work: Work, { headline = false, tls = false, peers = layer === 'raw' ? RAW : STACK }: Options = {}): Case {
  return {
    group: `${group}, ${LAYERS[layer]}${tls ? ', TLS' : ''}`,
    name,
    headline,
    layer,
    tls,
    peers: tls ? peers.filter(peer => peer !== '@libp2p/tcp') : peers,
    work
  }
}

function formatSize (bytes: number): string {
  if (bytes < KIB) {
    return `${bytes} B`
  }

  return bytes < KIB * KIB ? `${bytes / KIB} KiB` : `${bytes / KIB / KIB} MiB`
}
