/**
 * Arguments in, an exit code out. Touches no process: what it may read and write is handed in, so that it can be tested.
 */
import { readFileSync, existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { bridge } from './bridge.ts'
import { CliError, COMMON_OPTIONS, ExitCode, UsageError } from './command.ts'
import { demo } from './demo.ts'
import { key } from './key.ts'
import { listen } from './listen.ts'
import { output } from './output.ts'
import { perf } from './perf.ts'
import { ping } from './ping.ts'
import { sp } from './sp.ts'
import { suggestion } from './suggestion.ts'
import { tunnelConnect, tunnelExpose, tunnelRelay } from './tunnel.ts'
import { websocksy } from './websocksy.ts'
import type { Arguments, Command, Option } from './command.ts'
import type { IO } from './output.ts'

const PROGRAM = 'ws-transport'
const COMMANDS: Command[] = [demo, listen, ping, perf, sp, bridge, websocksy, tunnelExpose, tunnelConnect, tunnelRelay, key]
/** What asks for help in the place of a command. */
const HELP = ['help', '--help', '-h']

const EXIT_CODES = `Exit codes:
  0    done; for listen: stopped by a signal
  1    failed after the connection was made, or could not listen
  2    wrong usage: nothing was tried
  3    could not connect
  130  interrupted
`

/**
 * Run one command.
 *
 * @param argv - the arguments after the program's name
 * @returns the exit code, see `ExitCode`; errors are told on `io.stderr`, and it never rejects
 */
export async function run (argv: string[], io: IO): Promise<number> {
  try {
    return await dispatch(argv, io)
  } catch (err: any) {
    if (io.signal.aborted) {
      io.stderr.write('interrupted\n')
      return ExitCode.INTERRUPTED
    }

    io.stderr.write(`${PROGRAM}: ${firstLine(err)}\n`)
    return err instanceof CliError ? err.exitCode : ExitCode.FAILED
  }
}

async function dispatch (argv: string[], io: IO): Promise<number> {
  const [name] = argv

  if (HELP.includes(name)) {
    const topic = argv.filter(arg => !HELP.includes(arg))
    io.stdout.write(topic.length === 0 ? programHelp() : topicHelp(topic))
    return ExitCode.OK
  }

  if (name === '--version') {
    io.stdout.write(`${version()}\n`)
    return ExitCode.OK
  }

  if (name == null) {
    io.stderr.write(programHelp())
    return ExitCode.USAGE
  }

  if (argv.length > 1 && isFamily(name) && HELP.includes(argv[1])) {
    io.stdout.write(topicHelp([name]))
    return ExitCode.OK
  }

  const command = findCommand(argv)
  const args = commandArguments(command, argv.slice(command.name.split(' ').length))

  if (args.values.help === true) {
    io.stdout.write(commandHelp(command))
    return ExitCode.OK
  }

  checkPositionals(command, args)
  await command.run(args, io, output(io, args.values.json === true))

  return ExitCode.OK
}

/** By the first word, or the first two. */
function findCommand ([name, second = '']: string[]): Command {
  const command = COMMANDS.find(command => [name, `${name} ${second}`].includes(command.name))

  if (command == null && isFamily(name)) {
    throw new UsageError(`${name} needs one of ${family(name).map(command => command.name.slice(name.length + 1)).join(', ')} behind it. See ${PROGRAM} ${name} --help`)
  }

  if (command == null) {
    throw new UsageError(`there is no command "${name}"${suggestion(name, COMMANDS.map(command => command.name))} See ${PROGRAM} --help`)
  }

  return command
}

/** The commands whose first word this is. */
function family (name: string): Command[] {
  return COMMANDS.filter(command => command.name.startsWith(`${name} `))
}

function isFamily (name: string): boolean {
  return family(name).length > 0
}

function topicHelp (topic: string[]): string {
  return topic.length === 1 && isFamily(topic[0])
    ? family(topic[0]).map(commandHelp).join('\n')
    : commandHelp(findCommand(topic))
}

function commandArguments (command: Command, argv: string[]): Arguments {
  const options = { ...command.options, ...COMMON_OPTIONS }

  try {
    return parseArgs({ args: argv, options, allowPositionals: true, tokens: true })
  } catch (err: any) {
    const unknown = /^Unknown option '(-[^']*)'/.exec(err.message)?.[1]
    const reason = unknown == null
      ? err.message.replaceAll('\n', ' ').replace(/\.?$/, '.')
      : `${command.name} has no option ${unknown}${suggestion(unknown, Object.keys(options).map(name => `--${name}`))}`

    throw new UsageError(`${reason} See ${PROGRAM} ${command.name} --help`, err)
  }
}

function checkPositionals ({ name, usage, positionals: [least, most] }: Command, args: Arguments): void {
  const { length } = args.positionals

  if (length < least || length > most) {
    const problem = length < least ? 'an address is missing' : `"${args.positionals[most]}" is one argument too many`
    throw new UsageError(`${problem}: ${PROGRAM} ${name} ${usage}. See ${PROGRAM} ${name} --help`)
  }
}

function programHelp (): string {
  return `${PROGRAM}: WebSockets addressed by multiaddrs

Usage: ${PROGRAM} <command> [options]

Commands:
${columns([...COMMANDS.map(({ name, summary }): [string, string] => [name, summary]), ['help [command]', 'print this help, or that of a command']])}
Options:
${columns([['-h, --help', 'print this help; after a command, that of the command'], ['--version', 'print the version']])}
Addresses are multiaddrs: /ip4/127.0.0.1/tcp/8080/ws, /dns4/example.com/tcp/443/tls/ws, ...
Data goes to stdout, everything else to stderr.

${EXIT_CODES}`
}

function commandHelp ({ name, summary, usage, options, examples }: Command): string {
  return `${PROGRAM} ${name}: ${summary}

Usage: ${PROGRAM} ${name} ${usage}

Options:
${columns(Object.entries({ ...options, ...COMMON_OPTIONS }).map(optionHelp))}
Examples:
${examples.map(({ what, command }) => `  # ${what}\n  ${PROGRAM} ${command}\n`).join('\n')}
${EXIT_CODES}`
}

function optionHelp ([name, option]: [string, Option]): [string, string] {
  return [
    `${option.short == null ? '' : `-${option.short}, `}--${name}${option.value == null ? '' : ` ${option.value}`}`,
    `${option.description}${option.default == null ? '' : ` (default ${option.default})`}`
  ]
}

function columns (rows: Array<[string, string]>): string {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('')
}

function firstLine (err: Error): string {
  return err.message.split('\n')[0]
}

function version (): string {
  // two folders up from the source, three from the build
  const [file] = ['../../package.json', '../../../package.json']
    .map(path => new URL(path, import.meta.url))
    .filter(url => existsSync(url))

  return JSON.parse(readFileSync(file, 'utf8')).version
}
