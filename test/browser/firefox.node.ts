/**
 * The tests of browsers in Firefox, which has no `WebSocketStream`. Needs `npm run build` first.
 */
import { readFile } from 'node:fs/promises'
import { expect } from 'aegir/chai'
import { cleanUp } from '../fixtures/clean-up.ts'
import { bundle, openBrowser } from '../fixtures/puppeteer.ts'
import { startFixture } from './fixture.ts'

const TIMEOUT = 120_000

describe('Firefox', function () {
  this.timeout(TIMEOUT)

  it('passes the tests of browsers', async function () {
    const browser = await openBrowser(this, 'firefox')
    const fixture = await startFixture()
    cleanUp(async () => fixture.stop())
    const page = await browser.newPage()
    const failures: string[] = []
    const { promise: done, resolve } = Promise.withResolvers<number>()

    page.on('console', message => {
      const text = message.text()

      // how many passed, for who adds up
      if (/^\d+ passed, \d+ failed$/.test(text)) {
        process.stdout.write(`${text}\n`)
      }
    })
    await page.goto(fixture.env.CONTROL.replace('ws:', 'http:'))
    await page.exposeFunction('onfail', (title: string, message: string) => { failures.push(`${title}: ${message}`) })
    await page.exposeFunction('ondone', resolve)
    await page.addScriptTag({ content: await readFile('node_modules/mocha/mocha.js', 'utf8') })
    await page.evaluate('mocha.setup({ ui: "bdd", timeout: 60_000, reporter: function () {} })')
    await page.addScriptTag({ content: await bundle({ file: 'dist/test/browser.js' }, { env: fixture.env }) })
    await page.evaluate(`{
      const run = mocha.run()
      run.on('fail', (test, error) => { onfail(test.fullTitle(), error.message) })
      run.on('end', () => { ondone(run.stats.passes) })
    }`)

    expect(await done).to.be.above(50)
    expect(failures).to.deep.equal([])
  })
})
