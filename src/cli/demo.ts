import { once } from 'node:events'
import { multiaddr } from '@multiformats/multiaddr'
import { bytesOption } from './command.ts'
import { describe, startNode, withConnection } from './node.ts'
import { servePerf, showTransfer } from './perf.ts'
import { measureRoundTrips, showRoundTrips } from './ping.ts'
import type { Command } from './command.ts'

const LISTEN = '/ip4/127.0.0.1/tcp/0/ws'
const PINGS = 20

export const demo: Command = {
  name: 'demo',
  summary: 'let two libp2p nodes on this machine talk, and measure them',
  usage: '[options]',
  positionals: [0, 0],
  options: {
    size: { type: 'string', value: 'BYTES', default: '64MiB', description: 'how much to send each way' }
  },
  examples: [
    { what: 'listen, dial, negotiate Noise and yamux, ping, send 64 MiB each way', command: 'demo' },
    { what: 'a longer transfer, as JSON', command: 'demo --size 1GiB --json' }
  ],

  async run (args, io, out) {
    const size = bytesOption(args, 'size')
    const listener = await startNode({ listen: [multiaddr(LISTEN)] })

    try {
      await servePerf(listener)
      const accepted = once(listener, 'connection:open')

      await withConnection(listener.getMultiaddrs()[0], {}, io.signal, async (connection) => {
        const { address, security, muxer } = describe(connection)
        const [{ detail: inbound }] = await accepted
        const facts = { listener: address, dialer: `${inbound.remoteAddr}`, security, muxer }
        out.rows(facts)

        const roundTrips = await measureRoundTrips(connection, PINGS, io.signal)
        showRoundTrips(out, roundTrips)

        const upload = await showTransfer(connection, 'upload', size, io, out)
        const download = await showTransfer(connection, 'download', size, io, out)
        out.json({ ...facts, roundTrips, upload, download })
      })
    } finally {
      await listener.stop()
    }
  }
}
