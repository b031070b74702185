/**
 * The demo, in Chromium, as a person would use it. Needs `npm run build` first. With SCREENSHOTS=1 it renews the pictures of
 * the README.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect } from 'aegir/chai'
import { cleanUp } from './fixtures/clean-up.ts'
import { delay } from './fixtures/delay.ts'
import { openBrowser } from './fixtures/puppeteer.ts'
import type { Page } from 'puppeteer-core'

const WIDTH = 1_100
const HEIGHT = 1_010

/** In which the plots get as many, ms. */
const THREE_POINTS = 1_500

/** How long it may take until the page says something, ms. */
const PATIENCE = 15_000

describe('the demo', function () {
  // a page that is busy answers late
  this.timeout(120_000)

  it('chats, measures, holds the sender, comes back, and can be worked from the keyboard', async function () {
    const browser = await openBrowser(this, 'chrome')
    const url = await startDemo()
    const [one, two] = await Promise.all([browser.newPage(), browser.newPage()])
    const errors: string[] = []
    one.on('pageerror', err => { errors.push(`${err}`) })
    await Promise.all([one, two].map(async page => {
      await page.setViewport({ width: WIDTH, height: HEIGHT })
      await page.goto(url)
      await text(page, '#state', /^connected$/)
    }))

    expect(await read(one, '#self')).to.match(/^12D3/)
    expect(await read(one, '#peer')).to.match(/^12D3/)
    expect(await read(one, '#remote')).to.match(/^\/ip4\/127\.0\.0\.1\/tcp\/\d+\/ws\/p2p\/12D3/)
    expect(await read(one, '#negotiated')).to.equal('/noise /yamux/1.0.0')
    await text(one, '#stages', /WebSocket.*ms.*Noise, yamux.*ms.*first stream.*ms/s)
    await text(one, '#rtt', /ms$/)

    // two tabs
    await say(one, 'hello from one')
    await text(two, '#chat', /hello from one/)
    await say(two, 'and from two')
    await text(one, '#chat', /hello from one.*and from two/s)
    await text(one, '#tabs', /^2 tabs$/)

    // the front tab only, as browsers slow the others down
    await one.bringToFront()
    await press(one, 'Upload')
    await text(one, '#up', /^[1-9]\d* MB\/s$/)
    await press(one, 'Download')
    await text(one, '#down', /^[1-9]\d* MB\/s$/)
    await screenshot(one)

    // nothing more arrives, and the node's sender stays where it is
    await press(one, 'Stall the reader')
    await text(one, '#held', /holds the node's sender at/)
    const held = await read(one, '#held')
    await text(one, '#down', /^0 MB\/s$/)
    expect(await read(one, '#held')).to.equal(held)
    await press(one, 'Stall the reader')
    await text(one, '#down', /^[1-9]\d* MB\/s$/)
    await text(one, '#held', /^$/)

    // what was going on goes on after a cut
    await press(one, 'Cut it')
    await text(one, '#state', /^cut|^dialling$/)
    await text(one, '#state', /^connected$/)
    await text(one, '#up', /^[1-9]\d* MB\/s$/)
    // a talk is open in the page before the node knows of it
    await say(one, 'back')
    await text(one, '#chat', /back/)
    await say(two, 'still there?')
    await text(one, '#chat', /still there\?/)

    // second thoughts before the stream is open
    await press(one, 'Upload')
    await text(one, '#up', /^0 MB\/s$/)
    await one.$eval('#upload', button => {
      (button as HTMLElement).click();
      (button as HTMLElement).click()
    })
    await delay(THREE_POINTS)
    expect(await read(one, '#up')).to.equal('0 MB/s')
    expect(errors).to.deep.equal([])
  })
})

/** @returns the URL of the page */
async function startDemo (): Promise<string> {
  const demo = spawn(process.execPath, ['examples/demo/serve.ts'], { stdio: ['ignore', 'pipe', 'inherit'] })
  cleanUp(async () => {
    demo.kill()
    expect(await once(demo, 'close'), 'code and signal of the demo').to.deep.equal([0, null])
  })
  const [line] = await once(createInterface(demo.stdout), 'line')

  return /http:\S+/.exec(line)?.[0] ?? ''
}

/** With the keyboard: Tab until it has the focus, then Space. */
async function press (page: Page, name: string): Promise<void> {
  await page.evaluate(() => { (document.activeElement as HTMLElement).blur() })

  for (let tabs = 0; tabs < 10; tabs++) {
    await page.keyboard.press('Tab')

    if (await page.evaluate(() => document.activeElement?.textContent) === name) {
      await page.keyboard.press('Space')
      return
    }
  }

  throw new Error(`no button "${name}" can be reached`)
}

async function say (page: Page, message: string): Promise<void> {
  await page.bringToFront()
  await page.type('#message', message)
  await page.keyboard.press('Enter')
}

async function read (page: Page, selector: string): Promise<string> {
  return page.$eval(selector, ({ textContent }) => textContent ?? '')
}

/** Wait until an element says it. Asked from here, because the timers of a tab in the background are slow. */
async function text (page: Page, selector: string, pattern: RegExp): Promise<void> {
  let said = ''

  for (const deadline = Date.now() + PATIENCE; Date.now() < deadline; await delay(50)) {
    said = await read(page, selector)

    if (pattern.test(said)) {
      return
    }
  }

  throw new Error(`${selector} says "${said}", not ${pattern}`)
}

async function screenshot (page: Page): Promise<void> {
  if (process.env.SCREENSHOTS == null) {
    return
  }

  // enough to see a line
  await delay(15_000)

  for (const theme of ['dark', 'light']) {
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }])
    await delay(700)
    await page.screenshot({ path: theme === 'light' ? 'docs/demo.png' : 'docs/demo-dark.png' })
  }
}
