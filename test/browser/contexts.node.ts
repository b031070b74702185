/** Where else a browser runs programs than in pages and workers, and what happens to its network. Needs `npm run build` first. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect } from 'aegir/chai'
import { listen } from '../../src/server/index.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { bundle, openBrowser, temporaryFolder } from '../fixtures/puppeteer.ts'
import type { Channel } from '../../src/channel/index.ts'
import type { AddressInfo } from 'node:net'
import type { Page } from 'puppeteer-core'

/** A program that defines `echo(address)`: dials, sends, and resolves with what comes back. */
const ECHO = `
  import { dial } from 'ws-transport/channel'

  globalThis.dial = dial
  globalThis.echo = async address => {
    const channel = await dial(address)
    const answer = new Promise(resolve => { channel.onmessage = data => { resolve(new TextDecoder().decode(data)) } })
    channel.send(new TextEncoder().encode('hello'))
    const text = await answer
    const { wasClean } = (await channel.close(), await channel.closed)

    return text + (wasClean ? ' and good bye' : '')
  }
`

describe('in Chromium', function () {
  this.timeout(60_000)

  it('a service worker dials', async function () {
    const browser = await openBrowser(this, 'chrome')
    const { address } = await echoServer()
    const script = `${await bundle({ text: ECHO })}
      onmessage = ({ data, source }) => { echo(data).catch(String).then(text => { source.postMessage(text) }) }
      onactivate = event => { event.waitUntil(clients.claim()) }`
    const page = await browser.newPage()
    await page.goto(await serve({ '/': ['text/html', '<!doctype html>'], '/worker.js': ['text/javascript', script] }))

    expect(await page.evaluate(async address => {
      await navigator.serviceWorker.register('/worker.js')
      const { active } = await navigator.serviceWorker.ready

      return new Promise(resolve => {
        navigator.serviceWorker.onmessage = ({ data }) => { resolve(data) }
        active?.postMessage(address)
      })
    }, address)).to.equal('hello and good bye')
  })

  it('the page of an extension dials', async function () {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'manifest.json'), JSON.stringify({ manifest_version: 3, name: 'test', version: '1' }))
    await writeFile(join(folder, 'page.html'), '<!doctype html><script src="page.js"></script>')
    await writeFile(join(folder, 'page.js'), await bundle({ text: ECHO }))
    const browser = await openBrowser(this, 'chrome', { enableExtensions: true, pipe: true })
    const id = await browser.installExtension(folder)
    const { address } = await echoServer()
    const page = await browser.newPage()
    await page.goto(`chrome-extension://${id}/page.html`)

    expect(await echo(page, address)).to.equal('hello and good bye')
  })

  it('a page that goes offline loses its channel to another machine, says so, and dials again later', async function () {
    // a name that the page does not know to be this machine
    const browser = await openBrowser(this, 'chrome', { args: ['--host-resolver-rules=MAP node.test 127.0.0.1'] })
    const { address: own, accepted } = await echoServer()
    const address = own.replace('/ip4/127.0.0.1/', '/dns/node.test/')
    const page = await browser.newPage()
    await page.goto(await serve({ '/': ['text/html', '<!doctype html>'] }))
    await page.addScriptTag({ content: await bundle({ text: ECHO }) })
    await page.evaluate(`dial(${JSON.stringify(address)}, { keepAliveTimeout: 100 }).then(channel => { globalThis.ended = channel.closed; channel.onmessage = () => {} })`)
    expect(accepted).to.have.lengthOf(1)

    await page.setOfflineMode(true)
    const { code, wasClean, error } = await page.evaluate('ended.then(({ code, wasClean, error }) => ({ code, wasClean, error: String(error) }))') as any
    expect({ code, wasClean }).to.deep.equal({ code: 1006, wasClean: false })
    expect(error).to.match(/TimeoutError.*offline for 100 ms/)
    expect(await page.evaluate('dial("/dns/example.com/tcp/80/ws").catch(String)')).to.match(/ConnectionFailedError.*this browser is offline/)

    await page.setOfflineMode(false)
    expect(await echo(page, address)).to.equal('hello and good bye')
  })

  it('a channel that is aborted ends its socket, though the node does not read', async function () {
    const browser = await openBrowser(this, 'chrome')
    const { address, accepted } = await echoServer(channel => { channel.pause() })
    const page = await browser.newPage()
    await page.goto(await serve({ '/': ['text/html', '<!doctype html>'] }))
    await page.addScriptTag({ content: await bundle({ text: ECHO }) })
    await page.evaluate(`dial(${JSON.stringify(address)}).then(async channel => {
      while (channel.send(new Uint8Array(1_000_000))) {}
      channel.abort()
      await channel.closed
    })`)
    accepted[0].onmessage = () => {}
    accepted[0].resume()

    expect(await accepted[0].closed).to.include({ code: 4006 })
  })
})

async function echo (page: Page, address: string): Promise<unknown> {
  return page.evaluate(`echo(${JSON.stringify(address)})`)
}

async function echoServer (onChannel = (channel: Channel) => { channel.onmessage = data => { channel.send(data) } }): Promise<{ address: string, accepted: Channel[] }> {
  const accepted: Channel[] = []
  const server = await listen('/ip4/127.0.0.1/tcp/0/ws', {}, channel => {
    accepted.push(channel)
    onChannel(channel)
  })
  cleanUp(async () => server.close())

  return { address: `${server.addresses[0]}`, accepted }
}

/** @returns the URL of `/` */
async function serve (files: Record<string, [type: string, body: string]>): Promise<string> {
  const server = createServer(({ url = '/' }, response) => {
    const [type, body] = files[url] ?? ['text/plain', '']
    response.writeHead(body === '' ? 404 : 200, { 'Content-Type': type }).end(body)
  })
  cleanUp(() => {
    server.closeAllConnections()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return `http://localhost:${(server.address() as AddressInfo).port}/`
}
