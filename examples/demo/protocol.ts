/** What the page and the node of the demo say to each other: JSON, one document on a line, over one stream. */
import type { Stream } from '@libp2p/interface'

/** Lines both ways: chat, state, and requests of the page. */
export const TALK = '/ws-transport-demo/talk/1.0.0'
/** The node takes whatever is sent. */
export const SINK = '/ws-transport-demo/sink/1.0.0'
/** The node sends for as long as it is let. */
export const SOURCE = '/ws-transport-demo/source/1.0.0'

/** A pipe holds what its window lets it, and all that waits there is ahead of a ping: a small one keeps round trips short. */
export const MUXER = { streamOptions: { initialStreamWindowSize: 262_144, maxStreamWindowSize: 1_048_576 } }

export type Line =
  /** Somebody said something, in all tabs. */
  { chat: string, from: string } |
  /** From the page: end this connection without a goodbye. */
  { cut: true } |
  /** From the node, a few times a second: bytes it has received and sent, and whether its sender waits for us. */
  { received: number, sent: number, held: boolean, tabs: number }

export function say (stream: Stream, line: Line): void {
  stream.send(new TextEncoder().encode(`${JSON.stringify(line)}\n`))
}

/** Call `onLine` for each line that comes in. A line that never ends is cut short. */
export function onLines (stream: Stream, onLine: (line: Line) => void): void {
  const decoder = new TextDecoder()
  let rest = ''

  stream.addEventListener('message', ({ data }) => {
    const lines = (rest + decoder.decode(data.subarray(), { stream: true })).slice(-100_000).split('\n')
    rest = lines.pop() ?? ''

    try {
      lines.forEach(line => { onLine(JSON.parse(line)) })
    } catch (err: any) {
      stream.abort(err)
    }
  })
}
