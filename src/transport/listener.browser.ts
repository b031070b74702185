import { UnsupportedOperationError } from '@libp2p/interface'

/** A browser listens nowhere. */
export class WebSocketListener {
  constructor () {
    throw new UnsupportedOperationError('A browser cannot listen: dial a node that does')
  }
}
