/**
 * The libp2p node behind the commands. Its parts are optional dependencies, so they are loaded only here.
 */
import { webSockets } from '../index.ts'
import { notingFailures } from '../transport/noting-failures.ts'
import { CliError, ExitCode } from './command.ts'
import type { Connection, Libp2p } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

const PARTS = 'libp2p @chainsafe/libp2p-noise @chainsafe/libp2p-yamux @libp2p/echo @libp2p/identify @libp2p/ping'

/** What a dial is at when libp2p reports this event. */
const STAGES: Record<string, string> = {
  'websockets:connect': 'connect',
  'websockets:tls': 'tls',
  'websockets:upgrade': 'upgrade',
  'upgrader:encrypt-outbound-connection': 'noise',
  'upgrader:multiplex-outbound-connection': 'yamux'
}

/** What to do about a failed dial, by the code or name of its cause, or its stage. */
const ADVICE: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there: check host and port, or start a peer with "ws-transport listen"',
  ENOTFOUND: 'check the spelling of the host name',
  EAI_AGAIN: 'the name server did not answer, try again',
  EHOSTUNREACH: 'check the host and the network',
  ENETUNREACH: 'check the host and the network',
  ERR_SSL_WRONG_VERSION_NUMBER: 'does the server speak TLS on this port? If not, dial /ws or ws:',
  ERR_TLS_CERT_ALTNAME_INVALID: 'dial a name that the certificate has, or /tls/sni/NAME/ws',
  UpgradeRejectedError: 'check the port, the path in /http-path, and whether it wants wss',
  upgrade: 'is it a WebSocket server? check the port, and whether it wants TLS: /tls/ws',
  noise: 'is it a libp2p node, and the one that the /p2p part of the address names?',
  tls: 'trust its certificate with --ca FILE, or any with --insecure'
}

export interface NodeInit {
  /** Addresses to listen on; none for a node that only dials. */
  listen?: Multiaddr[]
  /** Told why the node does without a listen address: libp2p tolerates that of IPv6 where IPv4 works. */
  onSkipped? (reason: string): void
  /** PEM for secure listen addresses. */
  certificate?: { key: string, cert: string }
  /** PEM of the authorities to trust when dialling. */
  ca?: string
  /** Accept any certificate when dialling. */
  insecure?: boolean
}

/**
 * Start a libp2p node with WebSockets, Noise and yamux that answers ping and echo.
 *
 * @throws {CliError} a part is not installed, or an address cannot be listened on
 */
export async function startNode ({ listen = [], onSkipped = () => {}, certificate, ca, insecure }: NodeInit = {}): Promise<Libp2p> {
  const { createLibp2p, echo, identify, noise, ping, yamux } = await loadParts()
  const transport = webSockets({ https: certificate, tls: { ca, rejectUnauthorized: insecure !== true } })
  const failures: string[] = []

  try {
    const node = await createLibp2p({
      addresses: { listen: listen.map(String) },
      transports: [(components) => notingFailures(transport(components), failures)],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      // it pings on the connection that is being measured, and would end it where the answer waits behind a transfer
      connectionMonitor: { enabled: false },
      services: { echo: echo(), identify: identify(), ping: ping() }
    })
    failures.forEach(onSkipped)

    return node
  } catch (err: any) {
    throw new CliError(failures.length === 0 ? err.message : failures.join('; '), ExitCode.FAILED, err)
  }
}

/**
 * Start a node, dial, hand the connection to `use`, and stop the node whatever happens.
 *
 * @throws {CliError} with `ExitCode.NOT_CONNECTED`, the address, the stage and what to do
 */
export async function withConnection (address: Multiaddr, init: NodeInit, signal: AbortSignal, use: (connection: Connection) => Promise<void>): Promise<void> {
  const node = await startNode(init)

  try {
    await use(await connect(node, address, signal))
  } finally {
    await node.stop()
  }
}

/** Who is at the other end, and what was negotiated. */
export function describe ({ remotePeer, remoteAddr, encryption, multiplexer }: Connection): Record<'peer' | 'address' | 'security' | 'muxer', string> {
  return {
    peer: `${remotePeer}`,
    address: `${remoteAddr}`,
    security: encryption ?? 'none',
    muxer: multiplexer ?? 'none'
  }
}

async function connect (node: Libp2p, address: Multiaddr, signal: AbortSignal): Promise<Connection> {
  let stage = 'resolve'

  try {
    return await node.dial(address, {
      signal,
      onProgress: ({ type }) => { stage = STAGES[type] ?? stage }
    })
  } catch (err: any) {
    throw new CliError(dialFailure(address, err.stage ?? stage, err), ExitCode.NOT_CONNECTED, err)
  }
}

/** The line that says which address failed, at which stage, why, and what to do. */
export function dialFailure (address: Multiaddr | string, stage: string, err: any): string {
  const cause = rootCause(err)
  const reason = ['AbortError', 'TimeoutError'].includes(cause.name) ? 'no answer in time' : cause.message.trim()
  const advice = ADVICE[cause.code] ?? ADVICE[cause.name] ?? ADVICE[stage]

  return `could not connect to ${address}: ${stage} failed: ${reason}${advice == null ? '' : `; ${advice}`}`
}

/** What happened underneath: a failed dial has a cause, a dial of several addresses has several errors. */
function rootCause (err: any): any {
  const inner = err.cause ?? err.errors?.at(-1)

  return inner == null ? err : rootCause(inner)
}

// eslint-disable-next-line @typescript-eslint/explicit-function-return-type -- the types of six packages, read from the imports
async function loadParts () {
  try {
    const [{ createLibp2p }, { noise }, { yamux }, { echo }, { identify }, { ping }] = await Promise.all([
      import('libp2p'),
      import('@chainsafe/libp2p-noise'),
      import('@chainsafe/libp2p-yamux'),
      import('@libp2p/echo'),
      import('@libp2p/identify'),
      import('@libp2p/ping')
    ])

    return { createLibp2p, echo, identify, noise, ping, yamux }
  } catch (err: any) {
    if (err.code !== 'ERR_MODULE_NOT_FOUND') {
      throw err
    }

    throw new CliError(`the commands need packages that are not installed here: npm install ${PARTS}`, ExitCode.FAILED, err)
  }
}
