import { UnsupportedOperationError } from '@libp2p/interface'

/** Browsers accept no connections. */
export async function listenForChannels (): Promise<never> {
  throw new UnsupportedOperationError('A browser cannot listen: dial instead, every protocol works that way round too')
}
