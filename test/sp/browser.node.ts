/** Every role that dials, in Chromium: with nngcat, and with a listener of ours. Needs `npm run build` first. */
import { expect } from 'aegir/chai'
import * as sp from '../../src/sp/index.ts'
import { bundle, openBrowser } from '../fixtures/puppeteer.ts'
import { portOf } from '../server/fixtures.ts'
import { CASES } from './cases.ts'
import { freeUrl, needs, open, peers, tool, toolRole } from './fixtures.ts'
import type { ProtocolName } from '../../src/sp/index.ts'
import type { SpSocket } from '../../src/sp/socket.ts'
import type { Page } from 'puppeteer-core'

const ENTRY = 'dist/src/sp/index.js'
const ROLES = Object.keys(CASES) as ProtocolName[]

/** What a role gets when it dials from the page. */
async function playIn (page: Page, role: ProtocolName, url: string): Promise<unknown> {
  const { play, options } = CASES[role]
  // the name of a method and its body
  const source = `({ ${play.toString()} }).play`

  return page.evaluate(`(async () => {
    const socket = sp[${JSON.stringify(role)}](${JSON.stringify({ reconnectMin: 50, ...options })})
    const added = new Promise(resolve => socket.addEventListener('pipe:add', resolve))
    await socket.dial(${JSON.stringify(url)}, { background: true })
    await added
    const received = await (${source})(socket)
    await socket.close()
    return received
  })()`)
}

describe('sp in Chromium', function () {
  this.timeout(60_000)

  /** On a page that a listener of ours serves. */
  async function openPage (test: Mocha.Context): Promise<Page> {
    const browser = await openBrowser(test, 'chrome')
    const { addresses: [address] } = await open(sp.pull()).listen('ws://127.0.0.1:0', {
      onrequest: (_, response) => { response.writeHead(200, { 'Content-Type': 'text/html', Connection: 'close' }).end('<!doctype html>') }
    })
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${portOf(address)}/`)
    await page.evaluate(await bundle({ file: ENTRY }, { globalName: 'sp' }).then(code => `${code}; globalThis.sp = sp`))

    return page
  }

  it('dials nngcat, in every role', async function () {
    needs(this, 'nngcat')
    const page = await openPage(this)

    await Promise.all(ROLES.map(async role => {
      const { args, receives, prints } = CASES[role]
      const url = await freeUrl('/sp')
      const peer = tool('nngcat', toolRole('nngcat', sp[role]().protocol.peer), '--listen', url, ...args)

      expect(await playIn(page, role, url), role).to.equal(receives)
      expect(await peer.printed(prints.length), role).to.deep.equal(prints)
    }))
  })

  it('dials a listener of ours, in every role', async function () {
    const page = await openPage(this)

    for (const role of ROLES) {
      const peer = sp[role]().protocol.peer
      const url = await freeUrl('/sp')
      const socket: SpSocket = open(sp[peer](CASES[peer].options))
      await socket.listen(url)
      const theirs = playIn(page, role, url)
      await peers(socket)

      expect(await CASES[peer].play(socket), peer).to.equal(CASES[peer].receives)
      expect(await theirs, role).to.equal(CASES[role].receives)
    }
  })

  it('cannot listen', async function () {
    const page = await openPage(this)

    expect(await page.evaluate('sp.rep().listen("ws://127.0.0.1:0").catch(error => error.name)')).to.equal('UnsupportedOperationError')
  })
})
