#!/usr/bin/env node
import { run } from './cli.ts'
import { ExitCode } from './command.ts'

/** As `engines` of package.json says; npm only warns. */
const OLDEST_NODE = 22

const stop = new AbortController()

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    if (stop.signal.aborted) {
      process.exit(ExitCode.INTERRUPTED)
    }

    stop.abort()
  })
}

// whoever read our output is gone (`ws-transport listen ... | head -1`): stop as if asked to
process.stdout.on('error', () => { stop.abort() })
// whoever read our talk is gone: go on without
process.stderr.on('error', () => {})

if (Number.parseInt(process.versions.node) < OLDEST_NODE) {
  process.stderr.write(`ws-transport: needs Node ${OLDEST_NODE} or newer, this is ${process.version}\n`)
  process.exitCode = ExitCode.FAILED
} else {
  // no process.exit: what is under way is sent before the loop ends by itself
  process.exitCode = await run(process.argv.slice(2), {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    signal: stop.signal,
    onReload: listener => {
      process.on('SIGHUP', listener)

      return () => { process.off('SIGHUP', listener) }
    }
  })
}
