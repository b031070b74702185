/**
 * TLS to a server or a proxy, and over the connection that a proxy has made.
 */
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext, connect as tlsConnect } from 'node:tls'
import type { Attempt } from './attempt.ts'
import type { TlsOptions } from './options.ts'
import type { NetConnectOpts, Socket } from 'node:net'
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

/** A socket that connects by itself, and begins TLS then. */
export function openTls ({ options }: PreparedTls, target: NetConnectOpts): TLSSocket {
  return tlsConnect({ ...options, ...target })
}

/**
 * Put TLS over a socket that is connected.
 *
 * @throws {Error} as `secured`
 */
export async function secure (socket: Socket, tls: PreparedTls, attempt: Attempt): Promise<Socket> {
  // to destroy both in one turn, this one first, crashes Node 24: TLS destroys what is under it
  attempt.release(socket)
  const over = attempt.hold(tlsConnect({ ...tls.options, socket })).on('error', attempt.fail)
  // its errors come through TLS now
  socket.off('error', attempt.fail).on('error', ignore)

  return secured(over, tls, attempt)
}

/**
 * Wait for TLS to know who the server is.
 *
 * @throws {Error} its certificate is none of those that are accepted
 */
export async function secured (socket: Socket, { hashes }: PreparedTls, attempt: Attempt): Promise<Socket> {
  await new Promise<void>(resolve => { socket.once('secureConnect', resolve) })

  if (hashes != null) {
    checkHash(socket as TLSSocket, hashes)
  }

  return socket
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
