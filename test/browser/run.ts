/** The tests of browsers in Chromium, in a page and in a worker: `npm run test:browser`. Needs `npm run build` first. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { findChromium } from '../fixtures/browsers.ts'
import type { ChildProcess } from 'node:child_process'

/** Several times what both take; a page that spins answers nobody, its runner's own timeouts either. */
const MAX_TIME = 15 * 60_000

if (findChromium() != null) {
  // a group of its own, so that all of it can be ended; see `.aegir.js` for --bail; the other one is for the runner in the browser
  const tests = spawn('aegir', ['test', '-t', 'browser', '-t', 'webworker', '--bail=false', '--', '--no-bail'], { stdio: 'inherit', detached: true })
  const watchdog = setTimeout(() => {
    process.stderr.write(`The browsers have not come to an end in ${MAX_TIME / 60_000} minutes\n`)
    end(tests)
  }, MAX_TIME)
  process.once('SIGINT', () => { end(tests) })
  const [code] = await once(tests, 'close')
  clearTimeout(watchdog)
  process.exitCode = code ?? 1
} else if (process.env.CI === 'true') {
  process.stderr.write('Chromium is not installed: see .ci/packages.txt\n')
  process.exitCode = 1
} else {
  process.stderr.write('skipped: the tests of browsers, because Chromium is not installed\n')
}

/** Playwright closes its browsers then. */
function end ({ pid }: ChildProcess): void {
  if (pid != null) {
    process.kill(-pid, 'SIGTERM')
  }
}
