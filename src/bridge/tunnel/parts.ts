/**
 * The packages of libp2p that a tunnel is made of. They are optional dependencies, so they are loaded when they are needed.
 */
import { UnsupportedOperationError } from '@libp2p/interface'

const PARTS = 'libp2p @libp2p/crypto @libp2p/identify @libp2p/circuit-relay-v2 @chainsafe/libp2p-noise @chainsafe/libp2p-yamux @chainsafe/as-chacha20poly1305'

/**
 * What `load` imports.
 *
 * @throws {UnsupportedOperationError} a package is not installed
 */
export async function loadParts <T> (load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (err: any) {
    if (err.code !== 'ERR_MODULE_NOT_FOUND') {
      throw err
    }

    const error = new UnsupportedOperationError(`a tunnel needs packages that are not installed here: npm install ${PARTS}`)
    error.cause = err
    throw error
  }
}
