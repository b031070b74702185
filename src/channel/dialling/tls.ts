/**
 * TLS over a socket that is connected, to a server or to a proxy.
 */
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext, connect as tlsConnect } from 'node:tls'
import type { Attempt } from './attempt.ts'
import type { TlsOptions } from './options.ts'
import type { Socket } from 'node:net'
import type { ConnectionOptions, TLSSocket } from 'node:tls'

/** The `code` of the error where the server has another certificate than the options say. */
export const HASH_MISMATCH = 'ERR_TLS_CERT_HASH_MISMATCH'

/** TLS options that have been looked through, once for a dial. */
export interface PreparedTls {
  options: ConnectionOptions
  /** Of the certificates that are accepted, lower case hexadecimal. */
  hashes: string[] | undefined
}

/**
 * @param host - IP or name that is connected to
 * @param name - server name of the address, where that is another one
 * @throws {Error} options that TLS does not take
 */
export function prepareTls (host: string, name: string | undefined, { certificateHash, ...tls }: TlsOptions = {}): PreparedTls {
  const hashes = certificateHash == null ? undefined : [certificateHash].flat().map(readHash)

  return {
    hashes,
    options: {
      ALPNProtocols: ['http/1.1'],
      ...tls,
      ...(hashes == null ? {} : { rejectUnauthorized: tls.rejectUnauthorized ?? false }),
      secureContext: tls.secureContext ?? createSecureContext(tls),
      host,
      servername: tls.servername ?? name ?? serverName(host)
    }
  }
}

/** @throws {Error} the certificate of the server is none of those that are accepted */
export async function secure (socket: Socket, { options, hashes }: PreparedTls, attempt: Attempt): Promise<TLSSocket> {
  // to destroy both in one turn, this one first, crashes Node 24: TLS destroys what is under it
  attempt.release(socket)
  const tls = attempt.hold(tlsConnect({ ...options, socket })).on('error', attempt.fail)

  await new Promise<void>(resolve => { tls.once('secureConnect', resolve) })
  // errors of the connection are those of TLS now, and nobody else may throw them
  socket.off('error', attempt.fail).on('error', ignore)

  if (hashes != null) {
    checkHash(tls, hashes)
  }

  return tls
}

function ignore (): void {}

function checkHash (tls: TLSSocket, hashes: string[]): void {
  const certificate = tls.getPeerX509Certificate()
  const hash = createHash('sha256').update(certificate?.raw ?? '').digest('hex')

  if (certificate == null || !hashes.includes(hash)) {
    throw Object.assign(new Error(`the certificate has the hash ${hash}, which is none of tls.certificateHash`), { code: HASH_MISMATCH })
  }
}

function readHash (text: string): string {
  const hash = text.replaceAll(':', '').toLowerCase()

  if (!/^[\da-f]{64}$/.test(hash)) {
    throw new Error(`tls.certificateHash: ${JSON.stringify(text)} is not a SHA-256 hash in hexadecimal`)
  }

  return hash
}

/** TLS has no server name for an IP (RFC 6066 section 3); the certificate is checked against the IP itself then. */
function serverName (host: string): string {
  return isIP(host) === 0 ? host : ''
}
