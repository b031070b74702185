/**
 * Opens a WebSocket on Node: from an address to a Channel, and from any failure to one error that says where it was.
 */
import { InvalidParametersError } from '@libp2p/interface'
import { fromSocket, parseDialAddress, toUrl } from '../address/index.ts'
import { UpgradeRejectedError } from '../errors.ts'
import { Attempt } from './dialling/attempt.ts'
import { connect, prepareRoute } from './dialling/connect.ts'
import { locationOf, redirect, redirectedOptions } from './dialling/redirect.ts'
import { Handshake } from './handshake.ts'
import { SocketChannel } from './socket-channel.ts'
import type { Channel } from './channel.ts'
import type { DialOptions } from './dialling/options.ts'
import type { Address } from '../address/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { ClientOptions } from 'ws'

export type { DialOptions, ProxyOptions, TcpOptions, TlsOptions } from './dialling/options.ts'

/**
 * Open a WebSocket.
 *
 * @param input - a multiaddr, or a `ws:` or `wss:` URL
 * @throws {InvalidMultiaddrError} an address that cannot be dialled
 * @throws {InvalidParametersError} an option that cannot be used, such as a header, a subprotocol, a proxy or a certificate
 * @throws {AbortError} the signal fired
 * @throws {TimeoutError} no WebSocket within `handshakeTimeout`; the message names the stage
 * @throws {DialFailedError} everything else, by the name `ConnectionFailedError`: `stage` says where, `cause` why, `remedy`
 * what to try
 */
export async function dial (input: Multiaddr | URL | string, options: DialOptions = {}): Promise<Channel> {
  const address = parseDialAddress(input)
  const attempt = new Attempt(address, options)

  return attempt.run(async () => open(address, options, options.maxRedirects ?? 0, attempt))
}

/** Connect and upgrade, and do so elsewhere where the server says so. */
async function open (address: Address, options: DialOptions, redirects: number, attempt: Attempt): Promise<Channel> {
  const { promise, resolve } = Promise.withResolvers<Channel>()
  const handshake = request(address, options, attempt)
  let headers: IncomingHttpHeaders = {}

  handshake.on('error', attempt.fail)
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

    socket.off('error', attempt.fail)
    resolve(channel)

    try {
      options.onheaders?.(headers)
    } catch (error: any) {
      channel.abort(error)
    }
  })
  handshake.on('unexpected-response', (request: ClientRequest, response: IncomingMessage) => {
    const location = redirects > 0 ? locationOf(response) : undefined

    if (location == null) {
      attempt.fail(new UpgradeRejectedError(response.statusCode ?? 0, response.statusMessage))
      return
    }

    // its end is not that of the attempt any more
    handshake.off('error', attempt.fail).on('error', () => {})
    request.destroy()
    follow(location).then(resolve, attempt.fail)
  })

  return promise

  async function follow (location: string): Promise<Channel> {
    const next = redirect(address, location)
    attempt.redirected = next

    return open(next, redirectedOptions(options, address, next), redirects - 1, attempt)
  }
}

/** Send the upgrade request over a socket of our own, because only that shows its stages. */
function request (address: Address, options: DialOptions, attempt: Attempt): Handshake {
  try {
    const route = prepareRoute(address, options)

    const createConnection = (_: unknown, done: (error: null, socket: Socket) => void): void => {
      connect(route, attempt).then(socket => {
        attempt.enter('upgrade')
        done(null, socket)
      }, attempt.fail)
    }

    return new Handshake(toUrl(address), options.subprotocols ?? [], {
      // the types of ws leave out the callback, which http.request has
      createConnection: createConnection as unknown as ClientOptions['createConnection'],
      headers: options.headers,
      perMessageDeflate: false
    })
  } catch (error: any) {
    const wrapped = new InvalidParametersError(`Cannot send this upgrade request: ${error.message}`)
    wrapped.cause = error
    throw wrapped
  }
}

/** Where this end is; asked of the socket while it is open. */
function localAddress ({ localAddress = '', localPort = 0 }: Socket, remote: Address): () => Address {
  return () => remote.unixPath != null ? remote : fromSocket(localAddress, localPort, remote.tls, '/')
}
