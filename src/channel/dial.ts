/**
 * Opens a WebSocket on Node: from an address to a Channel, and from any failure to one error that says where it was.
 */
import { isIP, connect as tcpConnect } from 'node:net'
import { createSecureContext, connect as tlsConnect } from 'node:tls'
import { AbortError, InvalidParametersError, TimeoutError } from '@libp2p/interface'
import { formatAddress, fromSocket, parseDialAddress, toUrl } from '../address/index.ts'
import { HANDSHAKE_TIMEOUT, MAX_DELAY } from '../constants.ts'
import { DialFailedError, UpgradeRejectedError } from '../errors.ts'
import { Handshake } from './handshake.ts'
import { SocketChannel } from './socket-channel.ts'
import type { Channel, ChannelOptions } from './channel.ts'
import type { Address } from '../address/index.ts'
import type { DialStage } from '../errors.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'

export interface DialOptions extends ChannelOptions {
  /** Ends the dial at any stage with an `AbortError`. */
  signal?: AbortSignal

  /** Called as each stage begins: `resolve` (DNS names only), `connect`, `tls` (secure addresses), `upgrade`. */
  onProgress?(stage: DialStage): void

  /**
   * From the call to the open WebSocket, ms; `Infinity` waits for as long as the system does.
   *
   * @default 10_000
   */
  handshakeTimeout?: number

  /** For secure addresses: `ca`, `rejectUnauthorized`, `servername`, `cert`, `key` and the rest of `tls.connect`. */
  tls?: ConnectionOptions

  /** Request headers beside those of the handshake, such as `Authorization` or `Origin`. */
  headers?: Record<string, string>

  /** Subprotocols to offer, most wanted first; the server must take one. */
  subprotocols?: string[]

  /**
   * Browsers only: use a `WebSocketStream` where there is one, for a pause that stops the peer. Not by default: Chromium,
   * 156 included, crashes the page when the connection is lost while something is being written to one.
   *
   * @default false
   */
  webSocketStream?: boolean

  /**
   * Node only: called with the headers of the response that accepts the WebSocket, names in lower case, before the dial resolves. If
   * it throws, the channel is aborted with what it threw.
   */
  onheaders?(headers: IncomingHttpHeaders): void
}

/**
 * Open a WebSocket.
 *
 * @param input - a multiaddr, or a `ws:` or `wss:` URL
 * @throws {InvalidMultiaddrError} an address that cannot be dialled
 * @throws {InvalidParametersError} a header or subprotocol that cannot be sent, TLS options that TLS does not take
 * @throws {AbortError} the signal fired
 * @throws {TimeoutError} no WebSocket within `handshakeTimeout`; the message names the stage
 * @throws {DialFailedError} everything else, by the name `ConnectionFailedError`: `stage` says where, `cause` why
 */
export async function dial (input: Multiaddr | URL | string, options: DialOptions = {}): Promise<Channel> {
  const { signal, onProgress, handshakeTimeout = HANDSHAKE_TIMEOUT } = options
  const address = parseDialAddress(input)
  const name = formatAddress(address).toString()

  if (signal?.aborted === true) {
    throw new AbortError(`Dial of ${name} aborted`)
  }

  let stage: DialStage = isIP(address.host) === 0 && address.unixPath == null ? 'resolve' : 'connect'
  const { promise, resolve, reject } = Promise.withResolvers<SocketChannel>()
  const enter = (next: DialStage): void => {
    stage = next

    try {
      onProgress?.(next)
    } catch (error) {
      // this runs in events of the socket
      reject(error)
    }
  }
  let headers: IncomingHttpHeaders = {}
  const onabort = (): void => { reject(new AbortError(`Dial of ${name} aborted while in stage ${stage}`)) }
  const handshake = request(address, options, enter)
  const timer = setTimeout(() => {
    reject(new TimeoutError(`Could not dial ${name}: ${stage} not done within ${handshakeTimeout} ms`))
  }, Math.min(handshakeTimeout, MAX_DELAY))

  signal?.addEventListener('abort', onabort)
  handshake.on('error', error => { reject(new DialFailedError(name, stage, error)) })
  handshake.on('unexpected-response', (_, response) => {
    reject(new DialFailedError(name, stage, new UpgradeRejectedError(response.statusCode ?? 0, response.statusMessage)))
  })
  handshake.on('upgrade', response => { headers = response.headers })
  handshake.on('upgraded', (socket: Socket, head: Uint8Array) => {
    const channel = new SocketChannel({
      socket,
      head,
      role: 'client',
      local: localAddress(socket, address),
      remote: address,
      subprotocol: handshake.protocol
    }, options)

    resolve(channel)

    try {
      options.onheaders?.(headers)
    } catch (error: any) {
      channel.abort(error)
    }
  })
  enter(stage)

  try {
    return await promise
  } catch (error) {
    handshake.terminate()
    throw error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onabort)
  }
}

/** Send the upgrade request over a socket of our own, because only that shows its stages. */
function request (address: Address, options: DialOptions, enter: (stage: DialStage) => void): Handshake {
  try {
    // here, because in the stages of the socket a bad option would look like a failed connection
    const tls = address.tls ? tlsOptions(address, options.tls) : undefined

    return new Handshake(toUrl(address), options.subprotocols ?? [], {
      createConnection: () => connect(address, tls, enter),
      headers: options.headers,
      perMessageDeflate: false
    })
  } catch (error: any) {
    const wrapped = new InvalidParametersError(`Cannot send this upgrade request: ${error.message}`)
    wrapped.cause = error
    throw wrapped
  }
}

function tlsOptions (address: Address, tls: ConnectionOptions = {}): ConnectionOptions {
  return {
    ALPNProtocols: ['http/1.1'],
    ...tls,
    secureContext: tls.secureContext ?? createSecureContext(tls),
    servername: tls.servername ?? serverName(address)
  }
}

function connect (address: Address, tls: ConnectionOptions | undefined, enter: (stage: DialStage) => void): Socket {
  const { host, family, port, zone, unixPath } = address
  const target = unixPath != null ? { path: unixPath } : { host: zone == null ? host : `${host}%${zone}`, port, family }
  const socket = tls == null ? tcpConnect(target) : tlsConnect({ ...tls, ...target })

  socket.once('lookup', (error: Error | null) => {
    if (error == null) {
      enter('connect')
    }
  })
  socket.once('connect', () => { enter(address.tls ? 'tls' : 'upgrade') })
  socket.once('secureConnect', () => { enter('upgrade') })

  return socket
}

/** TLS has no server name for an IP (RFC 6066 section 3); the certificate is checked against the IP itself then. */
function serverName ({ serverName, host }: Address): string {
  return serverName ?? (isIP(host) === 0 ? host : '')
}

function localAddress (socket: Socket, remote: Address): Address {
  return remote.unixPath != null ? remote : fromSocket(socket.localAddress ?? '', socket.localPort ?? 0, remote.tls, '/')
}
