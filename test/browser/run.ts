/** The tests of browsers in Chromium, in a page and in a worker: `npm run test:browser`. Needs `npm run build` first. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { findChromium } from '../fixtures/browsers.ts'

if (findChromium() != null) {
  // see `.aegir.js` for --bail; the other one is for the runner in the browser
  const tests = spawn('aegir', ['test', '-t', 'browser', '-t', 'webworker', '--bail=false', '--', '--no-bail'], { stdio: 'inherit' })
  const [code] = await once(tests, 'close')
  process.exitCode = code ?? 1
} else if (process.env.CI === 'true') {
  process.stderr.write('Chromium is not installed: see .ci/packages.txt\n')
  process.exitCode = 1
} else {
  process.stderr.write('skipped: the tests of browsers, because Chromium is not installed\n')
}
