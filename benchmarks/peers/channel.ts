/** The Channel of ws-transport in byte mode, without libp2p around it. */
import { dial } from '../../dist/src/channel/index.js'
import { listen } from '../../dist/src/server/index.js'
import { createPipe, rawConnection } from './peer.ts'
import type { Peer, Pipe, Setup } from './peer.ts'
import type { Channel } from '../../dist/src/channel/index.js'

export function channel ({ certificate }: Setup): Peer {
  const url = (port: number): string => `${certificate == null ? 'ws' : 'wss'}://127.0.0.1:${port}`

  return {
    async listen (onpipe) {
      const { addresses } = await listen(url(0), { mode: 'bytes', https: certificate }, (channel) => { onpipe(channelPipe(channel)) })
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
