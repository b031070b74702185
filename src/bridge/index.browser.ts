import { UnsupportedOperationError } from '@libp2p/interface'

export const framings = {}
export const resolvers = {}
export const tunnel = {}

/** @throws {UnsupportedOperationError} always */
export async function bridge (): Promise<never> {
  throw new UnsupportedOperationError('A browser cannot listen: a bridge runs on Node')
}
