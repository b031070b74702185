import { UnsupportedOperationError } from '@libp2p/interface'

/** Shares nothing: see `listen`. */
export class HttpServers {}

/** @throws {UnsupportedOperationError} always */
export async function listen (): Promise<never> {
  throw new UnsupportedOperationError('A browser cannot listen: dial a node that does')
}
