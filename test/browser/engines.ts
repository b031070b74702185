/** The engines of this browser, each behind a `dial` of its own. */
import { dial } from '../../src/channel/index.ts'
import type { Dial } from './remote.ts'
import type { Traits } from '../suites/channel.ts'

export interface Engine {
  name: string
  webSocketStream: boolean
  dial: Dial
  traits: Traits
}

export const engines: Engine[] = ['WebSocket', 'WebSocketStream'].filter(name => name in globalThis).map(engine)

function engine (name: string): Engine {
  const webSocketStream = name === 'WebSocketStream'

  return {
    name,
    webSocketStream,
    dial: async (address, options) => dial(address, { ...options, webSocketStream }),
    traits: {
      sentCode: code => code === 1000 || code >= 3000 ? code : code + 3000,
      abortCode: 4006,
      pauses: webSocketStream,
      writesAtOnce: false,
      readsWhileClosing: false
    }
  }
}
