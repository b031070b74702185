/** Runs a bridge until a signal stops it. */
import { bridge } from '../bridge/index.ts'
import { CliError, ExitCode, UsageError } from './command.ts'
import { serve } from './serve.ts'
import type { BridgePlan } from './bridge-config.ts'
import type { IO, Output } from './output.ts'
import type { Bridge, BridgeLog, BridgeOptions, LogLevel } from '../bridge/index.ts'

/** The least important first. */
export const LOG_LEVELS: LogLevel[] = ['debug', 'info', 'warn', 'error']

/** Wrong usage, of a bridge as of a command. */
const MISUSE = ['InvalidMultiaddrError', 'InvalidParametersError']

/**
 * Listen, say where, pass sessions on, and drain when the signal comes. At a request to reload the plan is made anew: its rules
 * and its certificate count for the sessions that come; where to listen and limits of a connection stay as they are.
 *
 * @param makePlan - what to do, as the user has it written down right now
 * @param io - of the process
 * @param out - where the addresses go
 * @param log - receives what happens
 */
export async function runBridge (makePlan: () => Promise<BridgePlan>, io: IO, out: Output, log: BridgeLog): Promise<void> {
  const { listen, options } = await makePlan()
  const bridges = await open(listen, { ...options, log })
  let reloaded = Promise.resolve()

  // one after the other: the last one counts
  const stopReloading = io.onReload?.(() => {
    reloaded = reloaded.then(async () => { await reload(bridges, makePlan, log) })
  })

  await serve(io, out, 'listening', { addresses: bridges.flatMap(bridge => bridge.addresses.map(String)) })
  stopReloading?.()
  await reloaded
  await closeAll(bridges)
}

/** A log on stderr: a line for each event of this level or above, as JSON or for people. */
export function bridgeLog ({ stderr }: IO, level: LogLevel, json: boolean): BridgeLog {
  const least = LOG_LEVELS.indexOf(level)

  return (level, event, fields) => {
    if (LOG_LEVELS.indexOf(level) < least) {
      return
    }

    const time = new Date().toISOString()
    const text = Object.entries(fields).map(([name, value]) => ` ${name}=${typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)}`)

    stderr.write(json ? `${JSON.stringify({ time, level, event, ...fields })}\n` : `${time} ${level} ${event}${text.join('')}\n`)
  }
}

/** All of them, or none. */
async function open (listen: string[], options: BridgeOptions): Promise<Bridge[]> {
  const bridges: Bridge[] = []

  try {
    for (const address of listen) {
      bridges.push(await bridge(address, options))
    }
  } catch (err: any) {
    await closeAll(bridges)
    throw MISUSE.includes(err.name) ? new UsageError(err.message, err) : new CliError(err.message, ExitCode.FAILED, err)
  }

  return bridges
}

async function closeAll (bridges: Bridge[]): Promise<void> {
  await Promise.all(bridges.map(async bridge => { await bridge.close() }))
}

/** What is wrong changes nothing. */
async function reload (bridges: Bridge[], makePlan: () => Promise<BridgePlan>, log: BridgeLog): Promise<void> {
  try {
    const { options } = await makePlan()
    const { key, cert } = options.listen?.https ?? {}

    // it is what may still be wrong
    if (key != null && cert != null) {
      bridges.forEach(bridge => { bridge.setCertificate({ key: String(key), cert: String(cert) }) })
    }

    bridges.forEach(bridge => { bridge.reload(options) })
  } catch (err: any) {
    log('error', 'reload', { error: err.message })
  }
}
