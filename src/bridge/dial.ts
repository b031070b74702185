/** Opens the target of a bridge, of any kind. */
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect } from 'node:net'
import { AbortError, TimeoutError } from '@libp2p/interface'
import { raceSignal } from 'race-signal'
import { dial } from '../channel/index.ts'
import { HANDSHAKE_TIMEOUT, MAX_DELAY } from '../constants.ts'
import { DialFailedError } from '../errors.ts'
import { ChannelEndpoint } from './channel-endpoint.ts'
import { DatagramEndpoint } from './datagram-endpoint.ts'
import { SocketEndpoint } from './socket-endpoint.ts'
import { formatTarget } from './target.ts'
import type { DatagramEndpointOptions } from './datagram-endpoint.ts'
import type { Endpoint } from './endpoint.ts'
import type { SocketEndpointOptions } from './socket-endpoint.ts'
import type { PortTarget, Target, UnixTarget } from './target.ts'
import type { DialOptions } from '../channel/index.ts'
import type { Socket as DatagramSocket } from 'node:dgram'
import type { TcpNetConnectOpts } from 'node:net'

/** Options of WebSockets are for targets that are one; `handshakeTimeout` and `signal` are for all. */
export interface DialTargetOptions extends DialOptions, SocketEndpointOptions, DatagramEndpointOptions {}

/**
 * Connect to a target.
 *
 * UDP has no handshake: it is open when the name is resolved.
 *
 * @returns an endpoint that delivers nothing before `resume`
 * @throws {AbortError} the signal fired
 * @throws {TimeoutError} not open within `handshakeTimeout`
 * @throws {DialFailedError} everything else, by the name `ConnectionFailedError`: `stage` says where, `cause` why
 */
export async function dialTarget (target: Target, options: DialTargetOptions = {}): Promise<Endpoint> {
  const name = formatTarget(target).toString()

  switch (target.kind) {
    case 'ws': return new ChannelEndpoint(await dial(formatTarget(target), options), name)
    case 'udp': return dialUdp(target, name, options)
    default: return dialSocket(target, name, options)
  }
}

async function dialSocket (target: PortTarget | UnixTarget, name: string, options: DialTargetOptions): Promise<Endpoint> {
  const socket = connect({ ...connectOptions(target), allowHalfOpen: true })

  try {
    await bounded(once(socket, 'connect'), name, options)
  } catch (error) {
    socket.on('error', () => {})
    socket.destroy()
    throw error
  }

  return new SocketEndpoint(socket, name, options)
}

function connectOptions (target: PortTarget | UnixTarget): TcpNetConnectOpts | { path: string } {
  if (target.kind === 'unix') {
    return { path: target.path }
  }

  const { host, zone, port, family } = target

  return { host: zone == null ? host : `${host}%${zone}`, port, family, noDelay: true }
}

async function dialUdp (target: PortTarget, name: string, options: DialTargetOptions): Promise<Endpoint> {
  const { host, zone, port } = target
  const { address, family } = await bounded(lookup(host, { family: target.family }), name, options)
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
  // ICMP says that nobody is there now, which may change
  socket.on('error', () => {})
  socket.connect(port, zone == null ? address : `${address}%${zone}`)

  try {
    await bounded(once(socket, 'connect'), name, options)
  } catch (error) {
    socket.close()
    throw error
  }

  return connectedEndpoint(socket, name, options)
}

function connectedEndpoint (socket: DatagramSocket, name: string, options: DialTargetOptions): Endpoint {
  const endpoint = new DatagramEndpoint({
    send: (data, done) => { socket.send(data, done) },
    close: () => { socket.close() }
  }, name, options)

  socket.on('message', data => { endpoint.receive(data) })

  return endpoint
}

/** Waits as long as the options say, and says what became of it. */
async function bounded <T> (opened: Promise<T>, name: string, { signal, handshakeTimeout = HANDSHAKE_TIMEOUT }: DialTargetOptions): Promise<T> {
  const expired = new AbortController()
  const timer = setTimeout(() => { expired.abort() }, Math.min(handshakeTimeout, MAX_DELAY))
  const translateError = (): Error => new AbortError(`Dial of ${name} aborted`)

  try {
    return await raceSignal(raceSignal(opened, expired.signal), signal, { translateError })
  } catch (error: any) {
    if (expired.signal.aborted) {
      throw new TimeoutError(`Could not dial ${name}: not connected within ${handshakeTimeout} ms`)
    }

    throw error.name === 'AbortError' ? error : new DialFailedError(name, error.syscall === 'getaddrinfo' ? 'resolve' : 'connect', error)
  } finally {
    clearTimeout(timer)
  }
}
