/** A page in Chromium dials the peer, over ws and wss. Needs `npm run build` first. */
import { createHash, X509Certificate } from 'node:crypto'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { bundle, openBrowser } from '../../test/fixtures/puppeteer.ts'
import { certificate, PLAIN, startPeer } from '../meeting.ts'
import { listening } from '../ports.ts'
import type { Program } from '../build.ts'

const PAGE = join(import.meta.dirname, '../page/page.ts')

export function page (program: Program): void {
  for (const [name, listen] of Object.entries({ ws: PLAIN.listen, wss: '/ip4/127.0.0.1/tcp/0/tls/ws' })) {
    it(`a page in Chromium, over ${name}`, async function () {
      const { cert, files } = await certificate()
      const browser = await openBrowser(this, 'chrome', { args: [`--ignore-certificate-errors-spki-list=${fingerprint(cert)}`] })
      const peer = await startPeer(program, { listen: [listen], ...files })
      const port = await listening(createServer((_, response) => { response.setHeader('content-type', 'text/html').end('<!doctype html>') }))
      const page = await browser.newPage()

      await page.goto(`http://127.0.0.1:${port}`)
      await page.addScriptTag({ content: await bundle({ file: PAGE }, { globalName: 'program' }) })
      expect(await page.evaluate(`program.visit(${JSON.stringify(peer.addresses[0])})`))
        .to.deep.equal({ peer: peer.id, pinged: true, echoed: true })
    })
  }
}

/** What Chromium knows a certificate by. */
function fingerprint (cert: string): string {
  return createHash('sha256').update(new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' })).digest('base64')
}
