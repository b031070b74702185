/**
 * Dials through proxies: HTTP with `CONNECT` (RFC 9110 section 9.3.6; RFC 6455 section 4.1 asks for it with plain `ws` too),
 * and SOCKS5 (RFC 1928).
 */
import { isIP } from 'node:net'
import { HANDSHAKE_TIMEOUT, MAX_DELAY } from '../../constants.ts'
import { ProxyRefusedError } from '../../errors.ts'
import { request as httpRequest, validateHeaderName, validateHeaderValue } from '../../node-http.ts'
import { proxyFromEnv } from './proxy-env.ts'
import { connectTcp, resolve } from './tcp.ts'
import { prepareTls, secure } from './tls.ts'
import type { Attempt } from './attempt.ts'
import type { DialOptions, ProxyOptions } from './options.ts'
import type { Endpoint } from './tcp.ts'
import type { PreparedTls } from './tls.ts'
import type { Address } from '../../address/index.ts'
import type { Socket } from 'node:net'

const DEFAULT_PORTS: Record<string, number> = { 'http:': 80, 'https:': 443, 'socks5:': 1080, 'socks5h:': 1080 }

/** A proxy that has been looked through, once for a dial. */
export interface Proxy {
  /** For messages: the URL without user and password. */
  name: string
  protocol: string
  endpoint: Endpoint
  user: string
  password: string
  headers: Record<string, string>
  tls: PreparedTls | undefined
}

/**
 * The proxy that the options choose for an address.
 *
 * @throws {Error} it is none
 */
export function chooseProxy (address: Address, { proxy, proxyEnv }: DialOptions): Proxy | undefined {
  if (address.unixPath != null || address.zone != null) {
    return
  }

  const chosen = proxy ?? (proxyEnv == null ? undefined : proxyFromEnv(address, proxyEnv))

  if (chosen != null) {
    return prepareProxy(typeof chosen === 'string' || chosen instanceof URL ? { url: chosen } : chosen)
  }
}

/** @returns a socket whose other end is that of the address, as far as the proxy says the truth */
export async function connectThrough (proxy: Proxy, address: Address, options: DialOptions, attempt: Attempt): Promise<Socket> {
  const { protocol, endpoint } = proxy
  const { tcp = {} } = options
  const host = protocol === 'socks5:' && isIP(address.host) === 0 ? (await resolve(address, tcp, attempt))[0] : address.host
  const socket = await connectTcp(endpoint, tcp, attempt)
  attempt.enter('proxy')

  if (protocol.startsWith('http')) {
    return connectHttp(proxy.tls == null ? socket : await secure(socket, proxy.tls, attempt), proxy, host, address.port)
  }

  return connectSocks(socket, proxy, host, address.port, options)
}

function prepareProxy ({ url, headers = {}, tls }: ProxyOptions): Proxy {
  // the password is in there, so the text of a bad one is not in the error
  if (!URL.canParse(`${url}`)) {
    throw new Error('proxy: not a URL')
  }

  const { protocol, hostname, port, username, password } = new URL(url)

  if (!(protocol in DEFAULT_PORTS) || hostname === '') {
    throw new Error(`proxy: ${protocol}//${hostname} is none of http://HOST, https://HOST, socks5://HOST and socks5h://HOST`)
  }

  for (const [name, value] of Object.entries(headers)) {
    validateHeaderName(name)
    validateHeaderValue(name, value)
  }

  const host = hostname.replace(/^\[|\]$/g, '')

  return {
    name: `${protocol}//${hostname}${port === '' ? '' : `:${port}`}`,
    protocol,
    endpoint: { host, family: 0, port: port === '' ? DEFAULT_PORTS[protocol] : Number(port) },
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    headers,
    tls: protocol === 'https:' ? prepareTls(host, undefined, tls) : undefined
  }
}

async function connectHttp (socket: Socket, { user, password, headers }: Proxy, host: string, port: number): Promise<Socket> {
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const request = httpRequest({
    method: 'CONNECT',
    path: authority,
    headers: {
      Host: authority,
      ...(user === '' ? {} : { 'Proxy-Authorization': `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }),
      ...headers
    },
    createConnection: () => socket
  })

  request.on('error', reject)
  request.once('connect', ({ statusCode = 0, statusMessage }, _, head) => {
    if (statusCode >= 200 && statusCode < 300) {
      if (head.length > 0) {
        socket.unshift(head)
      }

      resolve(socket)
    } else {
      reject(new ProxyRefusedError(statusCode, statusMessage))
    }
  })
  request.end()

  return promise
}

async function connectSocks (socket: Socket, { user, password, endpoint }: Proxy, host: string, port: number, { handshakeTimeout = HANDSHAKE_TIMEOUT }: DialOptions): Promise<Socket> {
  const { SocksClient } = await import('socks')

  try {
    await SocksClient.createConnection({
      command: 'connect',
      proxy: { type: 5, host: endpoint.host, port: endpoint.port, ...(user === '' ? {} : { userId: user, password }) },
      destination: { host, port },
      existing_socket: socket,
      timeout: Math.min(handshakeTimeout, MAX_DELAY)
    })
  } catch (error: any) {
    // the one of the library holds the password
    throw new Error(error.message)
  }

  return socket
}
