/** The page's side of a far end that is in the process of the fixture: see `fixture.ts`. */
import { cleanUp } from '../fixtures/clean-up.ts'
import { Inbox } from '../suites/peer.ts'
import type { Channel, ChannelOptions } from '../../src/channel/index.ts'
import type { OpenPair, Peer } from '../suites/peer.ts'

export type Command =
  { verb: 'pause' | 'resume' | 'vanish' | 'unsent' } |
  { verb: 'send', data: string | Uint8Array } |
  { verb: 'close', code?: number, reason?: string } |
  { verb: 'flood', bytes: number }

export interface Event {
  url?: string
  closed?: { code: number, reason: string }
  unsent?: number
  /** Bytes of a flood that have left the process. */
  gone?: number
  text?: string
}

export interface RemotePeer extends Peer {
  /** Offer so many bytes, with 2 MiB unsent at most. */
  flood (bytes: number): void
  /** How many of them have left its process. */
  readonly gone: number
}

export type Dial = (address: string, options?: ChannelOptions) => Promise<Channel>

export function remotePairs (dial: Dial, kind: string): OpenPair {
  return async options => openRemote(dial, kind, options)
}

/** A channel to a far end of this kind: `our server` or `ws server`. */
export async function openRemote (dial: Dial, kind: string, options?: ChannelOptions): Promise<{ channel: Channel, peer: RemotePeer }> {
  const { url, peer } = await remotePeer(kind)
  const channel = await dial(url, options)
  cleanUp(() => { channel.abort() })

  return { channel, peer }
}

async function remotePeer (kind: string): Promise<{ url: string, peer: RemotePeer }> {
  const control = new WebSocket(`${process.env.CONTROL}?kind=${encodeURIComponent(kind)}`)
  const url = Promise.withResolvers<string>()
  const closed = Promise.withResolvers<{ code: number, reason: string }>()
  const unsent: Array<(bytes: number) => void> = []
  const inbox = new Inbox()
  let gone = 0
  const tell = (command: Command): void => { control.send(JSON.stringify(command)) }

  const onevent = (event: Event): void => {
    if (event.url != null) {
      url.resolve(event.url)
    } else if (event.closed != null) {
      closed.resolve(event.closed)
    } else if (event.unsent != null) {
      unsent.shift()?.(event.unsent)
    } else if (event.gone != null) {
      gone = event.gone
    } else {
      inbox.add(new TextEncoder().encode(event.text), true)
    }
  }

  cleanUp(() => { control.close() })
  control.binaryType = 'arraybuffer'
  control.onclose = () => { url.reject(new Error(`no fixture at ${control.url}`)) }
  control.onmessage = ({ data }) => {
    typeof data === 'string' ? onevent(JSON.parse(data)) : inbox.add(new Uint8Array(data), false)
  }

  return {
    url: await url.promise,
    peer: {
      inbox,
      closed: closed.promise,
      get gone () {
        return gone
      },
      async unsent () {
        const { promise, resolve } = Promise.withResolvers<number>()
        unsent.push(resolve)
        tell({ verb: 'unsent' })

        return promise
      },
      send (data) {
        typeof data === 'string' ? tell({ verb: 'send', data }) : control.send(data as Uint8Array<ArrayBuffer>)
      },
      close (code, reason) { tell({ verb: 'close', code, reason }) },
      pause () { tell({ verb: 'pause' }) },
      resume () { tell({ verb: 'resume' }) },
      vanish () { tell({ verb: 'vanish' }) },
      flood (bytes) { tell({ verb: 'flood', bytes }) }
    }
  }
}
