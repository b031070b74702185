import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findChromium } from './test/fixtures/browsers.ts'

/** What the tests in browsers talk to. Node runs take care of themselves. */
async function before ({ runner }) {
  // Node strips types by itself; the flags that would be set here warn on the stderr of every program under test
  const env = { NODE_OPTIONS: '' }

  if (runner === 'node') {
    return { env }
  }

  const { startFixture } = await import('./dist/test/browser/fixture.js')
  const fixture = await startFixture()
  const browsers = await systemBrowsers()

  return { env: { ...env, ...fixture.env, PLAYWRIGHT_BROWSERS_PATH: browsers }, fixture, browsers }
}

async function after (_, { fixture, browsers }) {
  await fixture?.stop()

  if (browsers != null) {
    await rm(browsers, { recursive: true })
  }
}

/** A folder that keeps playwright-test from downloading a Chromium: that of the system is used, see `executablePath`. */
async function systemBrowsers () {
  const { browsers } = JSON.parse(await readFile(new URL('node_modules/playwright-core/browsers.json', import.meta.url), 'utf8'))
  const { revision } = browsers.find(({ name }) => name === 'chromium-headless-shell')
  const folder = await mkdtemp(join(tmpdir(), 'ws-transport-browsers-'))
  const marker = join(folder, `chromium_headless_shell-${revision}`)

  await mkdir(marker)
  await writeFile(join(marker, 'INSTALLATION_COMPLETE'), '')

  return folder
}

/** @type {import('aegir').PartialOptions} */
export default {
  build: {
    // that of @libp2p/websockets is 20 KB
    bundlesizeMax: '16KB'
  },
  test: {
    // `npm test` says --bail=false because aegir's -b is short for --build and --bail, and --build is the default
    before,
    after,
    browser: {
      config: {
        browserContextOptions: { executablePath: findChromium() }
      }
    }
  },
  documentCheck: {
    inputFiles: ['*.md', 'docs/*.md']
  },
  dependencyCheck: {
    // the runtime of every script, and no script names it; a peer of the benchmarks, which are not looked at; this package
    ignore: ['node', '@libp2p/tcp', 'ws-transport'],
    productionIgnorePatterns: ['/benchmarks', '/examples', '/interop', '/dist', '/docs', '/test', '.aegir.js']
  }
}
