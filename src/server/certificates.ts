/**
 * The certificates of a port: each answers for the names that are in it, and those that come from files are read again
 * when the files are replaced.
 */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { ListenError } from '@libp2p/interface'
import { watchFiles } from './watch.ts'
import type { SecureContext, SecureContextOptions } from 'node:tls'

/** Text, or bytes of text: PEM. */
export interface CertificatePem {
  /** Private key. */
  key: string | Uint8Array
  /** Certificate, and those of its authorities behind it. */
  cert: string | Uint8Array
}

/** Paths of PEM files. */
export interface CertificateFiles {
  /** Private key. */
  keyFile: string
  /** Certificate, and those of its authorities behind it: `fullchain.pem`. */
  certFile: string
}

export type CertificateSource = CertificatePem | CertificateFiles

export interface CertificateOptions {
  /**
   * Certificates, as PEM or as files. A client is shown the first that has the name it asks for (SNI), or else that of
   * `https`, or else the first. Files are watched: when they are replaced, handshakes get the new ones; while these cannot
   * be used, the old ones, and `onerror` says why. Connections stay in any case.
   *
   * @default those of `https`
   */
  certificates?: CertificateSource[]
}

interface Entry {
  readonly source: CertificateSource
  /** What was read last, whether it can be used or not. */
  read: Pem
  usable: Pem
  context: SecureContext
  names: X509Certificate
}

interface Pem {
  key: string
  cert: string
}

interface CertificatesEvents {
  /** Another one is to be used. */
  onchange (): void
  onerror (error: Error): void
}

export class Certificates {
  readonly #options: SecureContextOptions
  readonly #events: CertificatesEvents
  readonly #entries: Entry[]
  readonly #unwatch: () => void

  /**
   * @param sources - at least one
   * @param options - for TLS, beside key and certificate
   * @throws {ListenError} one cannot be read or used; it says which
   */
  constructor (sources: CertificateSource[], options: SecureContextOptions, events: CertificatesEvents) {
    this.#options = options
    this.#events = events
    this.#entries = sources.map(source => this.#load(source))
    this.#unwatch = watchFiles(sources.flatMap(filesOf), {
      onchange: () => { this.#entries.forEach(entry => { this.#reload(entry) }) },
      onerror: error => { events.onerror(error) }
    })
  }

  /** For clients that name none. */
  get first (): Pem {
    return this.#entries[0].usable
  }

  /** That of the first certificate that has the name. */
  find (name: string): SecureContext | undefined {
    return this.#entries.find(({ names }) => names.checkHost(name) != null)?.context
  }

  /** Watch no files any more. */
  close (): void {
    this.#unwatch()
  }

  #load (source: CertificateSource): Entry {
    try {
      const pem = read(source)

      return { source, read: pem, usable: pem, ...this.#use(pem) }
    } catch (error: any) {
      throw unusable(source, error)
    }
  }

  #reload (entry: Entry): void {
    try {
      const pem = read(entry.source)

      if (pem.key === entry.read.key && pem.cert === entry.read.cert) {
        return
      }

      entry.read = pem
      Object.assign(entry, { usable: pem, ...this.#use(pem) })
      this.#events.onchange()
    } catch (error: any) {
      this.#events.onerror(unusable(entry.source, error))
    }
  }

  #use ({ key, cert }: Pem): Pick<Entry, 'context' | 'names'> {
    return {
      names: new X509Certificate(cert),
      context: createSecureContext({ ...this.#options, pfx: undefined, key, cert })
    }
  }
}

/** At once, so that both are of one moment; it takes less than what TLS does with them. */
function read (source: CertificateSource): Pem {
  const { key, cert } = 'certFile' in source ? { key: readFileSync(source.keyFile), cert: readFileSync(source.certFile) } : source

  return { key: textOf(key), cert: textOf(cert) }
}

function textOf (pem: string | Uint8Array): string {
  return typeof pem === 'string' ? pem : Buffer.from(pem).toString()
}

function filesOf (source: CertificateSource): string[] {
  return 'certFile' in source ? [source.keyFile, source.certFile] : []
}

function unusable (source: CertificateSource, cause: Error): ListenError {
  const what = 'certFile' in source ? `the key ${source.keyFile} and the certificate ${source.certFile}` : 'this key and certificate'
  const error = new ListenError(`TLS cannot use ${what}: ${cause.message}`)
  error.cause = cause

  return error
}
