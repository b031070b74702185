/** A dial, and how long each of its stages took. */
import { multiaddr } from '@multiformats/multiaddr'
import { TALK } from '../protocol.ts'
import type { Connection, Stream } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'

/** What begins with each event. */
const STAGES: Record<string, string> = {
  'websockets:connect': 'WebSocket',
  // Noise brings the choice of the muxer along
  'upgrader:encrypt-outbound-connection': 'Noise, yamux'
}

export interface Stage {
  name: string
  /** ms; undefined while it lasts. */
  took?: number
}

/** Dial the node that served this page, and open a stream; `onStage` is called with all stages as they begin and end. */
export async function dial (node: Libp2p, onStage: (stages: Stage[]) => void): Promise<{ connection: Connection, talk: Stream }> {
  const stages: Stage[] = []
  let since = performance.now()

  const begin = (name?: string): void => {
    const now = performance.now()
    const last = stages.at(-1)

    if (last != null) {
      last.took = now - since
    }

    if (name != null) {
      stages.push({ name })
    }

    since = now
    onStage(stages)
  }

  const { address } = await (await fetch('/node.json')).json()
  const signal = AbortSignal.timeout(5_000)
  const connection = await node.dial(multiaddr(address), {
    signal,
    onProgress: ({ type }) => {
      if (STAGES[type] != null) {
        begin(STAGES[type])
      }
    }
  })
  begin('first stream')
  const talk = await connection.newStream(TALK, { signal })
  begin()

  return { connection, talk }
}
