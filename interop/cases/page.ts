/** A page in Chromium dials the peer, over ws and wss. */
import { spawn } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'aegir/chai'
import { build } from 'esbuild'
import { cleanUp } from '../../test/fixtures/clean-up.ts'
import { skip } from '../../test/fixtures/skip.ts'
import { hasTool, mustRun } from '../build.ts'
import { certificate, PLAIN, startPeer } from '../meeting.ts'
import type { Program } from '../build.ts'
import type { AddressInfo } from 'node:net'

const PAGE = join(import.meta.dirname, '../page/page.ts')
const BROWSER = 'chromium'

/** What `npm run build` makes for pages. */
const hasEngine = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')).browser != null

export function page (program: Program): void {
  for (const [name, listen] of Object.entries({ ws: PLAIN.listen, wss: '/ip4/127.0.0.1/tcp/0/tls/ws' })) {
    it(`a page in Chromium, over ${name}`, async function () {
      if (!hasEngine) {
        skip(this, 'there is no engine for browsers yet')
      }

      if (!await hasTool(BROWSER) && !mustRun) {
        skip(this, `${BROWSER} is not installed`)
      }

      const { cert, files } = await certificate()
      const peer = await startPeer(program, { listen: [listen], ...files })

      expect(await visit(peer.addresses[0], cert)).to.deep.equal({ peer: peer.id, pinged: true, echoed: true })
    })
  }
}

/** What the page has to say that dials `address`, in a browser that trusts the certificate. */
async function visit (address: string, cert: string): Promise<unknown> {
  const { outputFiles: [{ contents }] } = await build({
    entryPoints: [PAGE],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    logLevel: 'silent'
  })
  const result = Promise.withResolvers<unknown>()
  const server = createServer((request, response) => {
    if (request.url === '/result') {
      void text(request).then((body) => { result.resolve(JSON.parse(body)) })
      response.end()
    } else if (request.url === '/page.js') {
      response.setHeader('content-type', 'text/javascript').end(contents)
    } else {
      response.setHeader('content-type', 'text/html').end('<!doctype html><script type="module" src="/page.js"></script>')
    }
  })

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUp(() => {
    server.close()
    server.closeAllConnections()
  })

  const folder = await mkdtemp(join(tmpdir(), 'ws-transport-chromium-'))
  const browser = spawn(BROWSER, [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    `--user-data-dir=${folder}`,
    `--ignore-certificate-errors-spki-list=${fingerprint(cert)}`,
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/?address=${encodeURIComponent(address)}`
  ], { stdio: 'ignore', detached: true })
  const exited = once(browser, 'exit')

  cleanUp(async () => {
    // it has processes of its own, which still write to the folder
    process.kill(-(browser.pid ?? 0), 'SIGKILL')
    await exited
    await rm(folder, { recursive: true, maxRetries: 10 })
  })

  return result.promise
}

/** What Chromium knows a certificate by. */
function fingerprint (cert: string): string {
  return createHash('sha256').update(new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' })).digest('base64')
}
