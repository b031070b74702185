/** The ends of a tunnel, and the relay between those that cannot reach each other. */
import { connect, expose, relay } from '../bridge/tunnel/index.ts'
import { CliError, countOption, dialOptions, ExitCode, secondsOption, stringsOption, TLS_OPTIONS, UsageError } from './command.ts'
import { defaultKeyPath } from './key.ts'
import { dialFailure } from './node.ts'
import { serve } from './serve.ts'
import type { Arguments, Command, Option } from './command.ts'
import type { IO, Output } from './output.ts'
import type { ConnectOptions, ExposeOptions, TunnelOptions } from '../bridge/tunnel/index.ts'

const KEY_OPTION: Record<string, Option> = {
  key: { type: 'string', value: 'FILE', description: 'the private key of this end, see ws-transport key (default its own default)' },
  'max-streams': { type: 'string', value: 'N', default: '1000', description: 'sessions at a time on a connection' }
}

const SESSION_OPTIONS: Record<string, Option> = {
  ...KEY_OPTION,
  idle: { type: 'string', value: 'SECONDS', description: 'end sessions without a byte for this long (default never, for UDP 120)' },
  'reconnect-max': { type: 'string', value: 'SECONDS', default: '30', description: 'longest wait before a lost connection is dialled again; it begins with up to 1' }
}

const ALLOW_OPTION: Option = { type: 'string', multiple: true, value: 'PEER', description: '' }

export const tunnelExpose: Command = {
  name: 'tunnel expose',
  summary: 'let peers reach a TCP or UDP port or a Unix socket of this machine',
  usage: '<target> --allow PEER... --listen|--via ADDRESS... [options]',
  positionals: [1, 1],
  options: {
    allow: { ...ALLOW_OPTION, description: 'a peer id that may use it, as its own ws-transport key shows it; as often as you like' },
    listen: { type: 'string', multiple: true, value: 'ADDRESS', description: 'where to be reached: /ip4/0.0.0.0/tcp/8080/ws' },
    via: { type: 'string', multiple: true, value: 'ADDRESS', description: 'a relay to be reached through, with /p2p/ID, for a machine that nobody can dial' },
    ...SESSION_OPTIONS,
    ...TLS_OPTIONS
  },
  examples: [
    { what: 'the SSH server of this machine, for one peer', command: 'tunnel expose tcp://127.0.0.1:22 --listen /ip4/0.0.0.0/tcp/8080/ws --allow 12D3KooW...' },
    { what: 'a Unix socket, through a relay', command: 'tunnel expose unix:///run/redis.sock --via /dns4/example.com/tcp/8080/ws/p2p/12D3KooW... --allow 12D3KooW...' }
  ],

  async run (args, io, out) {
    const vias = stringsOption(args, 'via')
    const options: ExposeOptions = {
      ...await tunnelOptions(args, io, out),
      allow: stringsOption(args, 'allow'),
      listen: stringsOption(args, 'listen'),
      via: vias,
      onrefused: peer => { out.talk(`refused ${peer}: it is not allowed`) },
      onrelayed: address => { out.talk(`reached through ${address}`) },
      onlost: error => { out.talk(`lost a relay: ${error.message}`) }
    }
    const end = await started(vias.join(' or '), async () => expose(args.positionals[0], options))

    await serve(io, out, `exposing ${args.positionals[0]}`, { peer: end.peer, addresses: end.addresses.map(String) })
    await end.close()
  }
}

export const tunnelConnect: Command = {
  name: 'tunnel connect',
  summary: 'bring what a peer exposes to an address of this machine',
  usage: '<multiaddr/p2p/ID> --local ADDRESS [options]',
  positionals: [1, 1],
  options: {
    local: { type: 'string', value: 'ADDRESS', description: 'where its users connect to: tcp://127.0.0.1:2222, udp://..., unix:///path; port 0 is any free one' },
    wait: { type: 'string', value: 'SECONDS', default: '10', description: 'how long they wait while the tunnel is being connected again' },
    background: { type: 'boolean', description: 'go on where the first connection fails' },
    ...SESSION_OPTIONS,
    ...TLS_OPTIONS
  },
  examples: [
    { what: 'port 2222 of this machine is the SSH server of the other', command: 'tunnel connect /dns4/example.com/tcp/8080/ws/p2p/12D3KooW... --local tcp://127.0.0.1:2222' },
    { what: 'behind a web server with TLS, on a path of its own', command: 'tunnel connect /dns4/example.com/tcp/443/tls/ws/http-path/tunnel/p2p/12D3KooW... --local tcp://127.0.0.1:2222' }
  ],

  async run (args, io, out) {
    const [address] = args.positionals
    const { local } = args.values

    if (typeof local !== 'string') {
      throw new UsageError('the local end is missing: give --local tcp://127.0.0.1:2222, for example')
    }

    const options: ConnectOptions = {
      ...await tunnelOptions(args, io, out),
      local,
      waitTimeout: secondsOption(args, 'wait'),
      background: args.values.background === true,
      onconnected: ({ peer, limits }) => { out.talk(`connected to ${peer}${limits == null ? '' : `, through a relay that ends it after ${limits.bytes} bytes or ${limits.seconds} s`}`) },
      onlost: error => { out.talk(`not connected: ${error.message}; trying again`) }
    }
    const end = await started(address, async () => connect(address, options))

    await serve(io, out, 'listening', { peer: end.peer, local: end.local.map(String) })
    await end.close()
  }
}

export const tunnelRelay: Command = {
  name: 'tunnel relay',
  summary: 'be the node that others are reached through, who cannot be dialled themselves',
  usage: '<multiaddr...> --allow PEER... [options]',
  positionals: [1, Infinity],
  options: {
    allow: { ...ALLOW_OPTION, description: 'a peer id that may be reached through it; who may reach it is decided by itself' },
    ...KEY_OPTION
  },
  examples: [
    { what: 'for one peer', command: 'tunnel relay /ip4/0.0.0.0/tcp/8080/ws --allow 12D3KooW...' }
  ],

  async run (args, io, out) {
    const end = await started('', async () => relay(args.positionals, {
      key: keyOption(args, io),
      maxStreams: countOption(args, 'max-streams'),
      signal: io.signal,
      allow: stringsOption(args, 'allow'),
      onrefused: peer => { out.talk(`refused to be a relay for ${peer}: it is not allowed`) }
    }))

    await serve(io, out, 'relaying', { peer: end.peer, addresses: end.addresses.map(String) })
    await end.close()
  }
}

async function tunnelOptions (args: Arguments, io: IO, out: Output): Promise<TunnelOptions> {
  const { ca, insecure } = await dialOptions(args)

  return {
    key: keyOption(args, io),
    maxStreams: countOption(args, 'max-streams'),
    idleTimeout: secondsOption(args, 'idle'),
    reconnectMax: secondsOption(args, 'reconnect-max'),
    webSockets: { tls: { ca, rejectUnauthorized: !insecure } },
    signal: io.signal,
    onerror: error => { out.talk(error.message) }
  }
}

function keyOption ({ values: { key } }: Arguments, { env }: IO): string {
  return typeof key === 'string' ? key : defaultKeyPath(env)
}

/** What was started, or the line that says why not. */
async function started <T> (address: string, start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (err: any) {
    switch (err.name) {
      case 'InvalidParametersError':
      case 'InvalidMultiaddrError': throw new UsageError(err.message, err)
      case 'ListenError':
      case 'UnsupportedOperationError': throw err
      default: throw new CliError(connectFailure(address, err), ExitCode.NOT_CONNECTED, err)
    }
  }
}

/** A failed dial has a stage, or fails in Noise; whoever was connected and refused has been told in full. */
function connectFailure (address: string, err: any): string {
  return err.stage != null || err.name === 'EncryptionFailedError'
    ? dialFailure(address, err.stage ?? 'noise', err)
    : `could not connect to ${address}: ${err.message}`
}
