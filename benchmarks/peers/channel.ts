/** The Channel of ws-transport in byte mode, without libp2p around it. */
import { dial } from '../../dist/src/channel/index.js'
import { listen } from '../../dist/src/server/index.js'
import { createPipe, rawConnection } from './peer.ts'
import type { Peer, Pipe, Setup } from './peer.ts'
import type { Channel } from '../../dist/src/channel/index.js'
import type { ListenOptions } from '../../dist/src/server/index.js'

/** All that a listener may check, and nothing that is refused. */
const LIMITS: ListenOptions = {
  limits: { connections: 100_000, connectionsPerAddress: 100_000, pending: 10_000, rate: 1_000_000, ratePerAddress: 1_000_000 },
  trustProxy: ['10.0.0.0/8', '192.168.0.0/16', 'fd00::/8'],
  verify: ({ headers }) => headers.origin !== 'https://evil.example'
}

/** The same with all limits on. */
export function limited (setup: Setup): Peer {
  return channel(setup, LIMITS)
}

export function channel ({ certificate }: Setup, options: ListenOptions = {}): Peer {
  const url = (port: number): string => `${certificate == null ? 'ws' : 'wss'}://127.0.0.1:${port}`

  return {
    async listen (onpipe) {
      const { addresses } = await listen(url(0), { mode: 'bytes', https: certificate, ...options }, (channel) => { onpipe(channelPipe(channel)) })
      const tcp = addresses[0].getComponents().find(({ name }) => name === 'tcp')

      return Number(tcp?.value)
    },
    async connect (port) {
      const channel = await dial(url(port), { mode: 'bytes' })

      return rawConnection(channelPipe(channel), () => { void channel.close() })
    }
  }
}

function channelPipe (channel: Channel): Pipe {
  const pipe = createPipe({
    send: (data) => channel.send(data),
    pause: () => { channel.pause() }
  })
  channel.onmessage = (data) => { pipe.ondata(data) }
  channel.ondrain = () => { pipe.ondrain() }

  return pipe
}
