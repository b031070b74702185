/** Every command of docs/replace-websocksy.md, with the real servers and a real browser. */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { extname, join } from 'node:path'
import { expect } from 'aegir/chai'
import { client, exchange, refusal, runningBridge } from '../cli/bridge-fixtures.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { listening, needs, startProgram } from '../fixtures/programs.ts'
import { openBrowser, temporaryFolder } from '../fixtures/puppeteer.ts'
import { freePort } from '../server/fixtures.ts'
import type { RunningBridge } from '../cli/bridge-fixtures.ts'
import type { Context } from 'mocha'
import type { AddressInfo } from 'node:net'
import type { Page } from 'puppeteer-core'

const PAGE = await readFile(new URL('../../docs/replace-websocksy.md', import.meta.url), 'utf8')
const COMMANDS = [...PAGE.matchAll(/^ws-transport (.*)$/gm)].map(([, command]) => command)
const NOVNC = '/usr/share/novnc'
const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }

/** A fence of the page: the first of its language that has this text. */
function fence (language: string, text: string): string {
  return [...PAGE.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].find(([, name, body]) => name === language && body.includes(text))?.[2] ?? ''
}

/** Run a command of the page with the ports that this test has. */
async function run (command: string, ports: Record<number, number>, folder = '.'): Promise<RunningBridge> {
  const args = withPorts(command, ports).split(' ').map(arg => ['peers', 'websocksy.cfg', 'bridge.mjs', 'tokens.cfg'].includes(arg) ? join(folder, arg) : arg.replace(/^path=/, `path=${folder}/`))

  return runningBridge(...args, ...args[0] === 'websocksy' && args.length > 2 ? ['-l', '127.0.0.1'] : [])
}

/** In the place of the ports to listen on any free one, in that of servers those that run. */
function withPorts (text: string, ports: Record<number, number>): string {
  return text
    .replace(/(0\.0\.0\.0|tcp:\/\/127\.0\.0\.1):\d+/g, (_, host) => `${host.replace('0.0.0.0', '127.0.0.1')}:0`)
    .replace(/-p \d+/, '-p 0')
    .replace(/^port = .*$/m, 'port = 0')
    .replace(/^listen = .*$/m, 'listen = 127.0.0.1')
    .replace(/localhost:(\d+)/g, (_, port) => `localhost:${ports[port]}`)
}

async function startRedis (test: Context): Promise<number> {
  const port = await freePort()
  startProgram(test, 'redis-server', ['redis-server', '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', await temporaryFolder()])
  await listening(port)

  return port
}

async function startMosquitto (test: Context): Promise<number> {
  const port = await freePort()
  const config = join(await temporaryFolder(), 'mosquitto.conf')
  await writeFile(config, `listener ${port} 127.0.0.1\nallow_anonymous true\n`)
  startProgram(test, 'mosquitto', ['mosquitto', '-c', config])
  await listening(port)

  return port
}

async function startVnc (test: Context): Promise<number> {
  const port = await freePort()
  // a display that nothing else has: those of X begin at 0
  startProgram(test, 'tigervnc-standalone-server', ['Xtigervnc', `:${port}`, '-rfbport', String(port), '-SecurityTypes', 'None', '-localhost', '-nolisten', 'tcp', '-geometry', '320x240', '-desktop', 'a desktop'])
  await listening(port)

  return port
}

/** The URL of a web server that has these files. */
async function serveFiles (folder: string): Promise<string> {
  const server = createServer((request, response) => {
    const path = join(folder, new URL(request.url ?? '/', 'http://localhost').pathname)

    readFile(path).then(data => { response.writeHead(200, { 'Content-Type': TYPES[extname(path)] }).end(data) }, () => { response.writeHead(404).end() })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanUp(async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })

  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** An empty page of this site in Chromium. */
async function openPage (test: Context): Promise<{ page: Page, origin: string }> {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'index.html'), '<!doctype html>')
  const origin = await serveFiles(folder)
  const page = await (await openBrowser(test, 'chrome')).newPage()
  await page.goto(`${origin}/index.html`)

  return { page, origin }
}

/** That Redis answers, a line in each message. */
async function expectRedis (url: string): Promise<void> {
  expect(await exchange(await client(url), 'PING\r\nECHO hi\r\n', 3)).to.deep.equal(['text +PONG\r\n', 'text $2\r\n', 'text hi\r\n'])
}

/** A folder `peers` with the files of two peers. */
async function peersFolder (redis: number): Promise<string> {
  const folder = await temporaryFolder()
  await mkdir(join(folder, 'peers'))
  await writeFile(join(folder, 'peers/kitchen'), `tcp://localhost:${redis} * newline crlf\n`)

  return folder
}

async function expectPeers ({ url }: RunningBridge): Promise<void> {
  await expectRedis(`${url}kitchen`)
  expect(await exchange(await client(url, [], { headers: { cookie: 'room=kitchen' } }), 'PING\r\n')).to.deep.equal(['text +PONG\r\n'])
  expect(await refusal(`${url}cellar`)).to.equal(404)
}

async function expectNoVnc (test: Context, { url }: RunningBridge, path: string): Promise<void> {
  needs(test, 'novnc', existsSync(NOVNC))
  const origin = await serveFiles(NOVNC)
  const page = await (await openBrowser(test, 'chrome')).newPage()
  await page.goto(`${origin}/vnc_lite.html?host=127.0.0.1&port=${new URL(url).port}${path}`)
  await page.waitForFunction('document.getElementById("status").textContent === "Connected to a desktop"')
  await page.waitForFunction('document.querySelector("#screen canvas").width === 320 && document.querySelector("#screen canvas").height === 240')
}

/** What each command of the page must do. */
const CHECKS: Record<string, (test: Context, command: string) => Promise<void>> = {
  async 'websocksy -p 8080 -c host=tcp://localhost:6379 -c framing=newline -c framing-config=crlf' (test, command) {
    await expectRedis((await run(command, { 6379: await startRedis(test) })).url)
  },

  async 'websocksy -p 8080 -b file -c path=peers -c expression=%cookie:room% -c expression=%endpoint%' (test, command) {
    await expectPeers(await run(command, {}, await peersFolder(await startRedis(test))))
  },

  async 'websocksy websocksy.cfg' (test, command) {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'websocksy.cfg'), withPorts(fence('ini', '[core]'), { 6379: await startRedis(test) }))

    await expectRedis((await run(command, {}, folder)).url)
  },

  async 'bridge ws://0.0.0.0:8080 tcp://localhost:6379 --framing newline:crlf' (test, command) {
    await expectRedis((await run(command, { 6379: await startRedis(test) })).url)
  },

  async 'bridge ws://0.0.0.0:8080 --files peers --expression %cookie:room% --expression %endpoint% --framing auto' (test, command) {
    await expectPeers(await run(command, {}, await peersFolder(await startRedis(test))))
  },

  async 'bridge --config bridge.mjs' (test, command) {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'bridge.mjs'), withPorts(fence('js', '// bridge.mjs'), { 6379: await startRedis(test) }))
    const { url } = await run(command, {}, folder)

    expect(await exchange(await client(`${url}time`), 'PING\r\n')).to.deep.equal(['binary +PONG\r\n'])
    expect(await refusal(url)).to.equal(404)
  },

  async 'bridge tcp://127.0.0.1:6380 ws://localhost:8080' (test, command) {
    const far = await runningBridge('bridge', 'ws://127.0.0.1:0', `tcp://localhost:${await startRedis(test)}`)
    const { addresses: [address] } = await run(command, { 8080: Number(new URL(far.url).port) })
    const socket = connect(Number(address.split('/')[4]), '127.0.0.1')
    cleanUp(() => { socket.destroy() })
    socket.write('PING\r\n')

    expect(String((await once(socket, 'data'))[0])).to.equal('+PONG\r\n')
  },

  async 'bridge ws://0.0.0.0:6080 tcp://localhost:5900' (test, command) {
    await expectNoVnc(test, await run(command, { 5900: await startVnc(test) }), '')
  },

  async 'bridge ws://0.0.0.0:6080 --token query:token --tokens tokens.cfg' (test, command) {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'tokens.cfg'), withPorts(fence('', '# token:'), { 5900: await startVnc(test) }))
    const bridge = await run(command, {}, folder)

    expect(await refusal(`${bridge.url}?token=other`)).to.equal(404)
    await expectNoVnc(test, bridge, '&path=?token=desk')
  },

  async 'bridge ws://0.0.0.0:8081 tcp://localhost:6379 --framing newline:crlf --origin http://localhost:8000' (test, command) {
    const { page, origin } = await openPage(test)
    const { url } = await run(command.replace('http://localhost:8000', origin), { 6379: await startRedis(test) })
    const script = fence('js', 'const redis').replace('ws://localhost:8081', url).replace('console.info(data)', 'resolve(data)')

    expect(await page.evaluate(`new Promise(resolve => { ${script} })`)).to.equal('+OK\r\n')
    expect(await refusal(url, [], { origin: 'http://localhost:1' })).to.equal(403)
  },

  async 'bridge ws://0.0.0.0:9001 tcp://localhost:1883 --protocol mqtt' (test, command) {
    const { page } = await openPage(test)
    const { url } = await run(command, { 1883: await startMosquitto(test) })
    const script = fence('js', 'const mqtt').replace('ws://localhost:9001', url)

    // CONNECT, SUBSCRIBE to t, PUBLISH hi to t; what comes: CONNACK, SUBACK, PUBLISH
    const received = await page.evaluate(`new Promise((resolve, reject) => {
      ${script}
      mqtt.binaryType = 'arraybuffer'
      mqtt.onerror = reject
      mqtt.onopen = () => {
        mqtt.send(Uint8Array.of(0x10, 13, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 1, 97))
        mqtt.send(Uint8Array.of(0x82, 6, 0, 1, 0, 1, 116, 0))
        mqtt.send(Uint8Array.of(0x30, 5, 0, 1, 116, 104, 105))
      }
      const bytes = []
      mqtt.onmessage = ({ data }) => {
        bytes.push(...new Uint8Array(data))
        if (bytes.length === 16) { resolve([mqtt.protocol, ...bytes]) }
      }
    })`)

    expect(received).to.deep.equal(['mqtt', 0x20, 2, 0, 0, 0x90, 3, 0, 1, 0, 0x30, 5, 0, 1, 116, 104, 105])
  }
}

describe('docs/replace-websocksy.md', function () {
  this.timeout(30_000)

  it('has no command that is not run here', () => {
    expect(COMMANDS).to.have.members(Object.keys(CHECKS))
  })

  for (const [command, check] of Object.entries(CHECKS)) {
    it(command, async function () {
      await check(this, command)
    })
  }
})
