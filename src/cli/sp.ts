/**
 * A socket of nanomsg and NNG on the command line, with the options of nngcat.
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { parseDialAddress, parseListenAddress } from '../address/index.ts'
import { dialAddress, listenAddress } from '../sp/address.ts'
import * as sockets from '../sp/index.ts'
import { bytesOption, checked, CliError, countOption, ExitCode, pemOption, secondsOption, stringsOption, UsageError } from './command.ts'
import { FORMATS } from './message-format.ts'
import type { Arguments, Command, Option } from './command.ts'
import type { IO, Output } from './output.ts'
import type { SocketOptions } from '../sp/index.ts'

type Role = keyof typeof sockets
type AnySocket = ReturnType<typeof sockets[Role]>

/** What the user asked for, in the units of the project. */
interface Plan {
  data?: Uint8Array
  /** How many messages to send, or to receive; undefined: as it suits. */
  count?: number
  /** Before the first message, ms. */
  delay: number
  /** Between two messages, ms; undefined: only one. */
  interval?: number
  receiveTimeout?: number
  print (message: Uint8Array): void
  signal: AbortSignal
}

const SHORTHANDS: Record<string, Option> = {
  ascii: { type: 'boolean', short: 'A', description: 'the same as --format ascii: a line for each, with dots for what is not printable' },
  quoted: { type: 'boolean', short: 'Q', description: 'the same as --format quoted: a line for each, in quotes, with escapes' },
  hex: { type: 'boolean', description: 'the same as --format hex: a line for each, every byte an escape' },
  raw: { type: 'boolean', description: 'the same as --format raw: only the bytes' },
  msgpack: { type: 'boolean', description: 'the same as --format msgpack: with a length in front' }
}

export const sp: Command = {
  name: 'sp',
  summary: 'be a socket of nanomsg and NNG: send, receive, ask and answer',
  usage: '<role> --listen ADDRESS|--dial ADDRESS... [options]',
  positionals: [0, 1],
  options: {
    listen: { type: 'string', multiple: true, value: 'ADDRESS', description: 'a ws: or wss: URL or multiaddr to listen on; as often as you like. Also: --bind' },
    dial: { type: 'string', multiple: true, value: 'ADDRESS', description: 'one to dial. Also: --connect' },
    bind: { type: 'string', multiple: true, value: 'ADDRESS', description: 'the same as --listen' },
    connect: { type: 'string', multiple: true, value: 'ADDRESS', description: 'the same as --dial' },
    async: { type: 'boolean', description: 'go on where the first dial fails' },
    data: { type: 'string', short: 'D', value: 'DATA', description: 'what to send, or to answer' },
    file: { type: 'string', short: 'F', value: 'FILE', description: 'the file that holds it; - is standard input' },
    interval: { type: 'string', short: 'i', value: 'SECONDS', description: 'send it again and again' },
    delay: { type: 'string', short: 'd', value: 'SECONDS', default: '0', description: 'wait before the first, until there are peers' },
    count: { type: 'string', short: 'C', value: 'N', description: 'stop after so many messages' },
    subscribe: { type: 'string', multiple: true, value: 'TOPIC', description: 'take what begins with it (role sub; default: everything)' },
    'recv-timeout': { type: 'string', value: 'SECONDS', description: 'fail where no message comes for this long; the time of a survey' },
    'send-timeout': { type: 'string', value: 'SECONDS', description: 'fail where no peer takes the message for this long' },
    'recv-maxsz': { type: 'string', short: 'Z', value: 'BYTES', default: '1MiB', description: 'largest message accepted; 0: any' },
    format: { type: 'string', value: 'FORMAT', default: 'ascii', description: `how to print messages: ${Object.keys(FORMATS).join(', ')}` },
    ...SHORTHANDS,
    cacert: { type: 'string', value: 'FILE', description: 'trust the certificates in this PEM file, and no others' },
    insecure: { type: 'boolean', short: 'k', description: 'accept any TLS certificate' },
    cert: { type: 'string', short: 'E', value: 'FILE', description: 'our certificate in PEM' },
    key: { type: 'string', value: 'FILE', description: 'its private key in PEM' }
  },
  examples: [
    { what: 'answer every request with the same', command: 'sp rep --listen ws://127.0.0.1:5555/time -D noon' },
    { what: 'ask it', command: 'sp req --dial ws://127.0.0.1:5555/time -D "what time is it?"' },
    { what: 'print what is published about news, quoted', command: 'sp sub --dial ws://127.0.0.1:5556 --subscribe news -Q' },
    { what: 'publish every second', command: 'sp pub --listen "ws://*:5556" -D "news of the day" -i 1' }
  ],

  async run (args, io, out) {
    const role = roleArgument(args)
    const addresses = { listen: addressOptions(args, ['listen', 'bind']), dial: addressOptions(args, ['dial', 'connect']) }

    if (addresses.listen.length + addresses.dial.length === 0) {
      throw new UsageError('an address is missing: give --listen ADDRESS or --dial ADDRESS')
    }

    addresses.listen.forEach(address => checked(() => parseListenAddress(listenAddress(address))))
    addresses.dial.forEach(address => checked(() => parseDialAddress(dialAddress(address))))

    const plan = await planOf(args, io, out)
    const socket = createSocket(role, args, plan)

    try {
      await open(socket, addresses, args, out)
      await PLAYS[role](socket as any, plan)
    } catch (err: any) {
      throw err.name === 'TimeoutError' ? new CliError(err.message, ExitCode.FAILED, err) : err
    } finally {
      await socket.close()
    }
  }
}

/** What each role does once it is connected, as nngcat does it. */
const PLAYS: { [R in Role]: (socket: ReturnType<typeof sockets[R]>, plan: Plan) => Promise<void> } = {
  pub: sendAll,
  push: sendAll,
  pull: receiveAll,
  sub: receiveAll,
  pair: exchange,
  pair1: exchange,
  bus: exchange,
  rep: answerAll,
  respondent: answerAll,
  req: async (socket, plan) => repeat(plan, async data => {
    plan.print(await socket.request(data))
  }),
  surveyor: async (socket, plan) => repeat(plan, async data => {
    for await (const answer of socket.survey(data)) {
      plan.print(answer)
    }
  })
}

async function sendAll (socket: sockets.Push | sockets.Pub, plan: Plan): Promise<void> {
  await repeat(plan, async data => socket.send(data))
}

async function receiveAll (socket: { receive (): Promise<Uint8Array> }, { print, count = Infinity, signal }: Plan): Promise<void> {
  for (let received = 0; received < count && !signal.aborted; received++) {
    print(await socket.receive())
  }
}

async function exchange (socket: sockets.Pair | sockets.Bus, plan: Plan): Promise<void> {
  const receiving = receiveAll(socket, plan)

  await Promise.all([receiving, plan.data == null ? undefined : repeat(plan, async data => socket.send(data))])
}

async function answerAll (socket: sockets.Rep, { data, print, count = Infinity, signal }: Plan): Promise<void> {
  for (let answered = 0; answered < count && !signal.aborted; answered++) {
    const request = await socket.receive()
    print(request.body)

    if (data != null) {
      await request.reply(data)
    }
  }
}

/** Once, or `count` times, or without end at an interval. */
async function repeat ({ data, count, delay: wait, interval, signal }: Plan, send: (data: Uint8Array) => Promise<void>): Promise<void> {
  if (data == null) {
    throw new UsageError('there is nothing to send: give --data DATA or --file FILE')
  }

  await delay(wait, undefined, { signal })
  const times = count ?? (interval == null ? 1 : Infinity)

  for (let sent = 1; sent <= times; sent++) {
    const started = performance.now()
    // a socket keeps what it is given
    await send(data.slice())

    if (interval != null && sent < times) {
      await delay(Math.max(0, started + interval - performance.now()), undefined, { signal })
    }
  }
}

function createSocket (role: Role, args: Arguments, plan: Plan): AnySocket {
  const maxMessage = bytesOption(args, 'recv-maxsz')
  const options: SocketOptions = {
    signal: plan.signal,
    maxMessage: maxMessage === 0 ? Infinity : maxMessage,
    receiveTimeout: plan.receiveTimeout,
    sendTimeout: secondsOption(args, 'send-timeout')
  }
  const topics = stringsOption(args, 'subscribe')

  return sockets[role]({ ...options, ...role === 'sub' && { subscriptions: topics.length === 0 ? [''] : topics }, ...role === 'surveyor' && { surveyTime: plan.receiveTimeout } })
}

async function open (socket: AnySocket, addresses: { listen: string[], dial: string[] }, args: Arguments, out: Output): Promise<void> {
  const [key, cert, ca] = [await pemOption(args, 'key', 'private key'), await pemOption(args, 'cert', 'certificate'), await pemOption(args, 'cacert', 'certificate')]

  for (const address of addresses.listen) {
    const { addresses } = await socket.listen(address, { https: { key, cert } })
    addresses.forEach(address => { out.talk(`listening on ${address}`) })
  }

  for (const address of addresses.dial) {
    try {
      await socket.dial(address, { tls: { key, cert, ca, rejectUnauthorized: args.values.insecure !== true }, background: args.values.async === true })
    } catch (err: any) {
      throw new CliError(err.message, ExitCode.NOT_CONNECTED, err)
    }
  }
}

async function planOf (args: Arguments, { stdout, signal }: IO, out: Output): Promise<Plan> {
  const format = FORMATS[formatOption(args)]

  return {
    data: await dataOption(args),
    count: args.values.count == null ? undefined : countOption(args, 'count'),
    delay: secondsOption(args, 'delay') ?? 0,
    interval: secondsOption(args, 'interval'),
    receiveTimeout: secondsOption(args, 'recv-timeout'),
    print: message => {
      if (args.values.json !== true) {
        stdout.write(format(message))
      }

      out.json({ message: Buffer.from(message).toString('base64') })
    },
    signal
  }
}

function roleArgument ({ positionals: [role] }: Arguments): Role {
  if (!Object.hasOwn(sockets, role ?? '')) {
    throw new UsageError(`${role == null ? 'a role is missing' : `there is no role "${role}"`}: give one of ${Object.keys(sockets).join(', ')}`)
  }

  return role as Role
}

function formatOption (args: Arguments): string {
  const format = Object.keys(SHORTHANDS).find(name => args.values[name] === true) ?? String(args.values.format)

  if (!Object.hasOwn(FORMATS, format)) {
    throw new UsageError(`--format takes one of ${Object.keys(FORMATS).join(', ')}, not "${format}"`)
  }

  return format
}

async function dataOption ({ values: { data, file } }: Arguments): Promise<Uint8Array | undefined> {
  if (typeof file !== 'string') {
    return typeof data === 'string' ? Buffer.from(data) : undefined
  }

  try {
    return await readFile(file === '-' ? '/dev/stdin' : file)
  } catch (err: any) {
    throw new UsageError(`--file cannot be read: ${err.message}`, err)
  }
}

function addressOptions (args: Arguments, names: string[]): string[] {
  return names.flatMap(name => stringsOption(args, name))
}
