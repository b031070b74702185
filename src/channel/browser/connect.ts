/**
 * Opens a WebSocket in a browser: from an address to a Channel, and from any failure to one error that says as much as can
 * be known or inferred. The stage is always `connect`: a browser does not show the others, nor why it failed.
 */
import { AbortError, InvalidMultiaddrError, InvalidParametersError, TimeoutError, UnsupportedOperationError } from '@libp2p/interface'
import { impossibleInBrowser } from '../../address/browser.ts'
import { toUrl } from '../../address/url.ts'
import { HANDSHAKE_TIMEOUT, MAX_DELAY } from '../../constants.ts'
import { DialFailedError } from '../../errors.ts'
import { BrowserChannel } from './browser-channel.ts'
import { likelyReason } from './likely-reason.ts'
import { openPlain } from './plain-socket.ts'
import { openStream } from './stream-socket.ts'
import type { BrowserSocket } from './socket.ts'
import type { Address } from '../../address/address.ts'
import type { Channel } from '../channel.ts'
import type { DialOptions } from '../dial.ts'

/**
 * Open a WebSocket.
 *
 * @param address - where to
 * @param name - of the address, for errors
 * @param options - as on Node, but for two of them
 * @throws {InvalidMultiaddrError} an address that browsers cannot dial
 * @throws {InvalidParametersError} a subprotocol that cannot be sent
 * @throws {UnsupportedOperationError} the options `tls` and `headers`: a browser lets no page choose them
 * @throws {AbortError} the signal fired
 * @throws {TimeoutError} no WebSocket within `handshakeTimeout`
 * @throws {DialFailedError} everything else, by the name `ConnectionFailedError`; `cause` says what is known
 */
export async function connect (address: Address, name: string, options: DialOptions): Promise<Channel> {
  const { signal, onProgress, handshakeTimeout = HANDSHAKE_TIMEOUT } = options
  const impossible = impossibleInBrowser(address)

  if (impossible != null) {
    throw new InvalidMultiaddrError(`${JSON.stringify(name)}: ${impossible}`)
  }

  if (signal?.aborted === true) {
    throw new AbortError(`Dial of ${name} aborted`)
  }

  refuseOptions(options)

  const cancel = new AbortController()
  const { promise: cancelled, reject } = Promise.withResolvers<never>()
  const onabort = (): void => { reject(new AbortError(`Dial of ${name} aborted while in stage connect`)) }
  const timer = setTimeout(() => {
    reject(new TimeoutError(`Could not dial ${name}: connect not done within ${handshakeTimeout} ms`))
  }, Math.min(handshakeTimeout, MAX_DELAY))

  signal?.addEventListener('abort', onabort)

  try {
    onProgress?.('connect')

    return new BrowserChannel(await Promise.race([open(address, name, options, cancel.signal), cancelled]), address, options)
  } catch (error) {
    cancel.abort()
    throw error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onabort)
  }
}

async function open (address: Address, name: string, { subprotocols = [], webSocketStream = false }: DialOptions, signal: AbortSignal): Promise<BrowserSocket> {
  const openSocket = webSocketStream && 'WebSocketStream' in globalThis ? openStream : openPlain

  try {
    return await openSocket(toUrl(address).href, subprotocols, signal)
  } catch (error: any) {
    if (error.name === 'SyntaxError') {
      const wrapped = new InvalidParametersError(`Cannot send this upgrade request: ${error.message}`)
      wrapped.cause = error
      throw wrapped
    }

    throw new DialFailedError(name, 'connect', new Error(likelyReason(address, error), { cause: error }))
  }
}

/** Better than to leave out a header that grants access, or a trust that was asked for. */
function refuseOptions ({ headers, tls }: DialOptions): void {
  if (headers != null) {
    throw new UnsupportedOperationError('A browser cannot send headers of ours: put them into the path of the address, or a subprotocol')
  }

  if (tls != null) {
    throw new UnsupportedOperationError('A browser takes no TLS options: it trusts what its user and system trust')
  }
}
