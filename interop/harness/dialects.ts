/**
 * The two ways in which libp2p's interoperability harnesses tell a program what to do, and are told how it went:
 * test-plans/transport-interop, with environment variables in lower case, and unified-testing, with upper case.
 */
import { InvalidParametersError } from '@libp2p/interface'

type Environment = Record<string, string | undefined>

/** Milliseconds. */
export interface Figures {
  /** From the start of the dial to the end of the first ping. */
  handshakePlusOneRtt: number
  pingRtt: number
}

/** What is asked of redis, of any client's kind. */
export interface Redis {
  set (key: string, value: string): Promise<unknown>
  get (key: string): Promise<string | null>
  rPush (key: string, value: string): Promise<unknown>
  blPop (key: string, timeout: number): Promise<{ element: string } | null>
}

export interface Dialect {
  isDialer: boolean
  /** `ws` or `wss`. */
  transport: string
  security: string
  muxer: string
  /** To listen on. */
  ip: string
  redis: { host: string, port: number }
  /** For everything, seconds. */
  timeout: number
  /** Say where we listen. */
  publish (redis: Redis, address: string): Promise<unknown>
  /** Where the listener listens, if it has said so yet, or says so soon. */
  find (redis: Redis): Promise<string | undefined>
  format (figures: Figures): string
}

const ADDRESS_LIST = 'listenerAddr'
const TIMEOUT = 180
/** For one answer, seconds: who waits asks again. */
const BLOCK = 1

/** @throws {InvalidParametersError} neither harness has started us, or it wants what we do not have */
export function readDialect (env: Environment): Dialect {
  const dialect = env.is_dialer != null ? transportInterop(env) : unifiedTesting(env)

  check('transport', dialect.transport, ['ws', 'wss'])
  check('security', dialect.security, ['noise'])
  check('muxer', dialect.muxer, ['yamux'])

  return dialect
}

function transportInterop (env: Environment): Dialect {
  return {
    isDialer: env.is_dialer === 'true',
    transport: env.transport ?? '',
    security: env.security ?? 'noise',
    muxer: env.muxer ?? 'yamux',
    ip: env.ip ?? '0.0.0.0',
    redis: hostAndPort(env.redis_addr ?? 'redis:6379'),
    timeout: Number(env.test_timeout_seconds ?? env.test_timeout_secs ?? TIMEOUT),
    publish: async (redis, address) => redis.rPush(ADDRESS_LIST, address),
    find: async (redis) => (await redis.blPop(ADDRESS_LIST, BLOCK))?.element,
    // three l, as everybody there
    format: ({ handshakePlusOneRtt, pingRtt }) => JSON.stringify({
      handshakePlusOneRTTMillis: handshakePlusOneRtt,
      pingRTTMilllis: pingRtt
    })
  }
}

function unifiedTesting (env: Environment): Dialect {
  const key = `${required(env, 'TEST_KEY')}_listener_multiaddr`

  return {
    isDialer: required(env, 'IS_DIALER') === 'true',
    transport: required(env, 'TRANSPORT'),
    security: env.SECURE_CHANNEL ?? 'noise',
    muxer: env.MUXER ?? 'yamux',
    ip: env.LISTENER_IP ?? '0.0.0.0',
    redis: hostAndPort(env.REDIS_ADDR ?? 'redis:6379'),
    timeout: TIMEOUT,
    publish: async (redis, address) => redis.set(key, address),
    find: async (redis) => (await redis.get(key)) ?? undefined,
    format: ({ handshakePlusOneRtt, pingRtt }) => [
      'latency:',
      `  handshake_plus_one_rtt: ${handshakePlusOneRtt}`,
      `  ping_rtt: ${pingRtt}`,
      '  unit: ms'
    ].join('\n')
  }
}

function required (env: Environment, name: string): string {
  const value = env[name]

  if (value == null) {
    throw new InvalidParametersError(`no ${name} in the environment: set is_dialer (transport-interop), or IS_DIALER, TEST_KEY and TRANSPORT (unified-testing)`)
  }

  return value
}

function check (name: string, value: string, known: string[]): void {
  if (!known.includes(value)) {
    throw new InvalidParametersError(`unknown ${name} "${value}": there is ${known.join(' and ')}`)
  }
}

function hostAndPort (address: string): Dialect['redis'] {
  const [host, port = '6379'] = address.split(':')

  return { host, port: Number(port) }
}
