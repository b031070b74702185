/** What is shown and what is lost while certificates change. */
import { X509Certificate } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { rawTlsClient } from './fixtures.ts'
import type { Channel } from '../../src/channel/index.ts'
import type { Certificate } from '../fixtures/certificate.ts'
import type { ConnectionOptions, TLSSocket } from 'node:tls'

export function fingerprint ({ cert }: Certificate): string {
  return new X509Certificate(cert).fingerprint256
}

/** Of the certificate that a new TLS handshake gets. */
export async function servedFingerprint (port: number, options?: ConnectionOptions): Promise<string> {
  const { socket } = await rawTlsClient(port, '', options)
  const { fingerprint256 } = (socket as TLSSocket).getPeerCertificate()
  socket.destroy()

  return fingerprint256
}

/** Resolves when a channel has taken more than it had. */
export async function grows (channel: Channel, before: number): Promise<void> {
  while (channel.bytesIn === before) {
    await nextTurn()
  }
}

/** Send numbers, a few at a time, until it is stopped; resolves with those that came back, when all have. */
export async function numbers (channel: Channel, stop: AbortSignal): Promise<number[]> {
  const received: number[] = []
  const { promise, resolve, reject } = Promise.withResolvers<number[]>()
  let sent = 0
  const send = (): void => {
    for (let i = 0; i < 10; i++) {
      channel.send(Buffer.from(`${sent++}`))
    }
  }

  channel.onclose = ({ code }) => { reject(new Error(`closed with ${code} after ${received.length}`)) }
  channel.onmessage = (data) => {
    received.push(Number(Buffer.from(data).toString()))

    if (received.length < sent) {
      return
    }

    if (stop.aborted) {
      resolve(received)
    } else {
      send()
    }
  }
  send()

  return promise
}
