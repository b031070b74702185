/**
 * The answer to upgrade requests that get no WebSocket.
 */
import { STATUS_CODES } from '../node-http.ts'
import type { Socket } from 'node:net'

/** What says where the answer ends. */
const FRAMING_HEADER = /^(connection|content-length|transfer-encoding)$/i

/** An HTTP response in the place of a WebSocket. */
export interface Refusal {
  /** 300 to 599. */
  status: number

  /**
   * Behind the status.
   *
   * @default that of the status
   */
  reason?: string

  /** A `Content-Type` among them takes the place of `text/plain`; what says where the answer ends is left out. */
  headers?: Record<string, string>

  /**
   * Plain text, unless `headers` has another type.
   *
   * @default the reason
   */
  body?: string
}

/** Answer an upgrade request that gets no WebSocket, and end its socket with `error`. */
export function refuseUpgrade (socket: Socket, status: number, reason: string, error?: Error): void {
  answerUpgrade(socket, { status, reason }, error)
}

/** Answer an upgrade request with something else than a WebSocket, and end its socket with `error`. */
export function answerUpgrade (socket: Socket, refusal: Refusal, error?: Error): void {
  const { status, reason = STATUS_CODES[status] ?? '', body = `${reason}\n` } = refusal
  const cause = error ?? new Error(`${status} ${reason}`.trim())

  socket.on('error', () => { socket.destroy() })

  // the peer has reset it since, or whoever chooses the subprotocol has ended it
  if (!socket.writable) {
    socket.destroy(cause)
    return
  }

  const theirs = Object.entries(refusal.headers ?? {}).filter(([name]) => !FRAMING_HEADER.test(name))
  const typed = theirs.some(([name]) => /^content-type$/i.test(name))
  const headers = [...theirs, ...typed ? [] : [['Content-Type', 'text/plain']], ['Content-Length', Buffer.byteLength(body)], ['Connection', 'close']]

  socket.once('finish', () => { socket.destroy(cause) })
  socket.end(`HTTP/1.1 ${status} ${reason}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`)
}
