import { InvalidMultiaddrError } from '@libp2p/interface'

/**
 * The one way this folder refuses an address: the address is quoted, because it may hold control characters, and
 * `reason` names the offending component and what to do about it.
 */
export function invalid (address: string, reason: string, cause?: unknown): InvalidMultiaddrError {
  const error = new InvalidMultiaddrError(`${JSON.stringify(address)}: ${reason}`)

  if (cause != null) {
    error.cause = cause
  }

  return error
}
