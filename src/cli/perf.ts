/**
 * Throughput over `/perf/1.0.0`: the client sends a u64 (big endian) of bytes it wants, then its own bytes, and closes
 * its side; the server reads to the end, sends what was asked for, and closes.
 */
import { InvalidMessageError, ProtocolError } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { bytesOption, dialArgument, dialOptions, TLS_OPTIONS } from './command.ts'
import { describe, withConnection } from './node.ts'
import { formatBytes, formatDuration, formatRate, progress } from './output.ts'
import { openStream, receive, sendZeros } from './stream.ts'
import type { Command } from './command.ts'
import type { IO, Output } from './output.ts'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'

const PERF = '/perf/1.0.0'
const HEADER_LENGTH = 8
/** Between two intermediary reports, ms. */
const REPORT_INTERVAL = 1_000

export type Direction = 'upload' | 'download'

export interface Transfer {
  bytes: number
  seconds: number
  bytesPerSecond: number
}

export const perf: Command = {
  name: 'perf',
  summary: 'measure throughput to a libp2p node, one direction after the other',
  usage: '<multiaddr> [options]',
  positionals: [1, 1],
  options: {
    upload: { type: 'string', value: 'BYTES', default: '64MiB', description: 'how much to send' },
    download: { type: 'string', value: 'BYTES', default: '64MiB', description: 'how much to receive' },
    ...TLS_OPTIONS
  },
  examples: [
    { what: '64 MiB each way', command: 'perf /ip4/127.0.0.1/tcp/8080/ws' },
    { what: 'only download, a report each second and the figures at the end as JSON', command: 'perf /ip4/127.0.0.1/tcp/8080/ws --upload 0 --download 1GiB --json' }
  ],

  async run (args, io, out) {
    const address = dialArgument(args)
    const uploadBytes = bytesOption(args, 'upload')
    const downloadBytes = bytesOption(args, 'download')

    await withConnection(address, await dialOptions(args), io.signal, async (connection) => {
      out.rows(describe(connection))
      const reports = startReports(out)

      try {
        const upload = await showTransfer(connection, 'upload', uploadBytes, io, out, (bytes) => { reports.uploadBytes += bytes })
        const download = await showTransfer(connection, 'download', downloadBytes, io, out, (bytes) => { reports.downloadBytes += bytes })

        out.json({ type: 'final', timeSeconds: upload.seconds + download.seconds, uploadBytes, downloadBytes, upload, download })
      } finally {
        reports.stop()
      }
    })
  }
}

/** Answer `/perf/1.0.0`. */
export async function servePerf (node: Libp2p): Promise<void> {
  await node.handle(PERF, answerPerf)
}

/** Transfer, with a progress bar and the figures in the readable form. Nothing happens for 0 bytes. */
export async function showTransfer (connection: Connection, direction: Direction, bytes: number, io: IO, out: Output, onBytes: (bytes: number) => void = () => {}): Promise<Transfer> {
  if (bytes === 0) {
    return { bytes, seconds: 0, bytesPerSecond: 0 }
  }

  const shown = progress(io, direction, bytes)
  let done = 0
  let seconds: number

  try {
    seconds = await transfer(connection, direction, bytes, io.signal, (more) => {
      done += more
      shown.update(done)
      onBytes(more)
    })
  } finally {
    shown.end()
  }

  const bytesPerSecond = bytes / seconds
  out.row(direction, `${formatBytes(bytes)} in ${formatDuration(seconds * 1_000)}, ${formatRate(bytesPerSecond)}`)

  return { bytes, seconds, bytesPerSecond }
}

/** @returns seconds until the peer had everything and had answered, or until we had everything */
async function transfer (connection: Connection, direction: Direction, bytes: number, signal: AbortSignal, onBytes: (bytes: number) => void): Promise<number> {
  const upload = direction === 'upload' ? bytes : 0
  const download = bytes - upload
  const stream = await openStream(connection, PERF, signal)
  const started = performance.now()
  let received = 0

  await Promise.all([
    receive(stream, (data) => {
      received += data.byteLength
      onBytes(data.byteLength)

      if (received > download) {
        stream.abort(new ProtocolError(`the peer sent more than the ${download} bytes that were asked for`))
      }
    }),
    request(stream, download, upload, onBytes)
  ])

  if (received !== download) {
    throw new ProtocolError(`the peer sent ${received} of the ${download} bytes that were asked for`)
  }

  return (performance.now() - started) / 1_000
}

async function request (stream: Stream, wanted: number, upload: number, onSent: (bytes: number) => void): Promise<void> {
  const header = new DataView(new ArrayBuffer(HEADER_LENGTH))
  header.setBigUint64(0, BigInt(wanted))

  stream.send(new Uint8Array(header.buffer))
  await sendZeros(stream, upload, onSent)
}

async function answerPerf (stream: Stream): Promise<void> {
  const header = new Uint8ArrayList()

  await receive(stream, (data) => {
    if (header.byteLength < HEADER_LENGTH) {
      header.append(data.subarray(0, Math.min(HEADER_LENGTH - header.byteLength, data.byteLength)))
    }
  })

  if (header.byteLength < HEADER_LENGTH) {
    throw new InvalidMessageError('the stream ended before the number of bytes wanted')
  }

  await sendZeros(stream, Number(header.getBigUint64(0)))
}

/** Writes what was transferred since the last report, each second, in the JSON form. */
function startReports (out: Output): { uploadBytes: number, downloadBytes: number, stop (): void } {
  let since = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    const { uploadBytes, downloadBytes } = reports

    out.json({ type: 'intermediary', timeSeconds: (now - since) / 1_000, uploadBytes, downloadBytes })
    since = now
    reports.uploadBytes = 0
    reports.downloadBytes = 0
  }, REPORT_INTERVAL)
  const reports = { uploadBytes: 0, downloadBytes: 0, stop: () => { clearInterval(timer) } }

  return reports
}
