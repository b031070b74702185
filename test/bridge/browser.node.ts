/** A page in a real browser, and the TCP server behind a bridge. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect } from 'aegir/chai'
import { cleanUp } from '../fixtures/clean-up.ts'
import { openBrowser } from '../fixtures/puppeteer.ts'
import { startBridge, startTarget, urlOf } from './fixtures.ts'
import type { AddressInfo } from 'node:net'

describe('bridge and a page', function () {
  this.timeout(60_000)

  it('talks to a TCP server in text, and is told how it ended; a page of another origin may not', async function () {
    const browser = await openBrowser(this, 'chrome')
    const { url } = await startTarget(socket => {
      socket.write('hello\n')
      socket.on('data', data => { socket.end(`you said ${data}\nbye`) })
    })
    const pages = createServer((_, response) => { response.end('<title>page</title>') }).listen(0, '127.0.0.1')
    cleanUp(() => {
      pages.closeAllConnections()
      pages.close()
    })
    await once(pages, 'listening')
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
    const bridge = await startBridge('/ip4/127.0.0.1/tcp/0/ws', { target: url, framing: 'newline:lf', protocol: 'lines', origins: [origin] })

    const talk = async (address: string): Promise<unknown> => new Promise(resolve => {
      const socket = new WebSocket(address, 'lines')
      const messages: unknown[] = []
      socket.onmessage = ({ data }) => {
        messages.push(data)
        messages.length === 1 && socket.send('ahoj')
      }
      socket.onclose = ({ code, wasClean }) => { resolve({ messages, code, wasClean, protocol: socket.protocol }) }
    })

    const page = await browser.newPage()
    await page.goto(origin)
    expect(await page.evaluate(talk, urlOf(bridge))).to.deep.equal({ messages: ['hello\n', 'you said ahoj\n', 'bye'], code: 1000, wasClean: true, protocol: 'lines' })

    await page.goto(origin.replace('127.0.0.1', 'localhost'))
    expect(await page.evaluate(talk, urlOf(bridge))).to.deep.include({ messages: [], code: 1006 })
  })
})
