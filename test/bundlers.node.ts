/** A page that imports `ws-transport`, as bundlers make it: without polyfills, without warnings. Needs `npm run build` first. */
import { once } from 'node:events'
import { readFile, symlink, mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { build as esbuild } from 'esbuild'
import { build as vite } from 'vite'
import { listen } from '../src/server/index.ts'
import { cleanUp } from './fixtures/clean-up.ts'
import { openBrowser, temporaryFolder } from './fixtures/puppeteer.ts'
import type { AddressInfo } from 'node:net'

/** Uses each entry point, those that a browser cannot use too. */
const PROGRAM = `
  import { dial } from 'ws-transport/channel'
  import { duplex } from 'ws-transport/duplex'
  import { listen } from 'ws-transport/server'
  import { webSockets } from 'ws-transport'

  globalThis.test = async address => {
    const transport = webSockets()({ logger: { forComponent: () => Object.assign(() => {}, { error () {}, trace () {} }) }, events: new EventTarget() })
    const { sink, source, close } = duplex(await dial(address), { closeOnEnd: false })
    await sink(['hello'])
    const { value } = await source.next()
    await close()

    return [new TextDecoder().decode(value), transport.listenFilter([]).length, await listen(address, {}, () => {}).catch(({ name }) => name)]
  }
`

interface Bundler {
  name: string
  /** @returns the program, and what the bundler complained about */
  build (folder: string): Promise<{ code: string, warnings: string[] }>
}

const BUNDLERS: Bundler[] = [{
  name: 'esbuild',
  async build (folder) {
    const { outputFiles: [{ text: code }], warnings } = await esbuild({ entryPoints: [join(folder, 'main.js')], bundle: true, format: 'esm', write: false, logLevel: 'silent' })

    return { code, warnings: warnings.map(({ text }) => text) }
  }
}, {
  name: 'Vite',
  async build (folder) {
    const warnings: string[] = []
    const warn = (message: string): void => { warnings.push(message) }
    await writeFile(join(folder, 'index.html'), '<!doctype html><script type="module" src="/main.js"></script>')
    await vite({
      root: folder,
      configFile: false,
      build: { rollupOptions: { output: { entryFileNames: 'main.js' } } },
      customLogger: { info () {}, warn, warnOnce: warn, error: warn, clearScreen () {}, hasErrorLogged: () => false, hasWarned: false }
    })

    return { code: await readFile(join(folder, 'dist/main.js'), 'utf8'), warnings }
  }
}]

describe('bundlers', function () {
  this.timeout(60_000)

  for (const { name, build } of BUNDLERS) {
    it(`${name} makes a page that runs`, async function () {
      const browser = await openBrowser(this, 'chrome')
      const folder = await temporaryFolder()
      await mkdir(join(folder, 'node_modules'))
      await symlink(process.cwd(), join(folder, 'node_modules/ws-transport'))
      await writeFile(join(folder, 'main.js'), PROGRAM)

      const { code, warnings } = await build(folder)
      expect(warnings).to.deep.equal([])
      expect(code).to.not.match(/node:|__vite-browser-external|require\(/)

      const server = createServer(({ url }, response) => {
        response.writeHead(200, { 'Content-Type': url === '/' ? 'text/html' : 'text/javascript' })
          .end(url === '/' ? '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>' : code)
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      cleanUp(() => {
        server.closeAllConnections()
        server.close()
      })
      const node = await listen('/ip4/127.0.0.1/tcp/0/ws', {}, channel => { channel.onmessage = data => { channel.send(data) } })
      cleanUp(async () => node.close())

      const page = await browser.newPage()
      const said: string[] = []
      page.on('console', message => { said.push(message.text()) })
      page.on('pageerror', error => { said.push(`${error}`) })
      await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`, { waitUntil: 'load' })

      expect(await page.evaluate(`test(${JSON.stringify(`${node.addresses[0]}`)})`)).to.deep.equal(['hello', 0, 'UnsupportedOperationError'])
      expect(said).to.deep.equal([])
    })
  }
})
