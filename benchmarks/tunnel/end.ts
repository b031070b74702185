/**
 * One end of a measurement: `<stack|tuned|tcp|unix> <server|client> <folder> <seconds> [address]`. A server prints its address,
 * then the bytes that came and the seconds they took; a client sends for as long as it lives. The keys of both are in the folder.
 */
import { once } from 'node:events'
import { connect as netConnect, createServer } from 'node:net'
import { join } from 'node:path'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { tunnel } from '../../dist/src/bridge/index.js'
import { webSockets } from '../../dist/src/index.js'
import { noiseCrypto } from '../../dist/src/noise/index.js'
import type { Libp2p } from '@libp2p/interface'
import type { AddressInfo } from 'node:net'

const PROTOCOL = '/benchmark/1.0.0'
const LISTEN = '/ip4/127.0.0.1/tcp/0/ws'
const CHUNK = new Uint8Array(65_536)
/** Before bytes count, ms. */
const WARM_UP = 500

const [kind, side, folder, seconds, address] = process.argv.slice(2)
const key = (name: string): string => join(folder, `${name}.key`)
/** Bytes that came. */
let count = 0

const ENDS: Record<string, () => Promise<void>> = {
  async 'stack server' () {
    const node = await createNode([LISTEN])
    await node.handle(PROTOCOL, stream => { stream.addEventListener('message', ({ data }) => { received(data.byteLength) }) })
    print(node.getMultiaddrs()[0])
  },

  async 'stack client' () {
    const stream = await (await createNode([])).dialProtocol(multiaddr(address), PROTOCOL)
    const send = (): void => { flood(() => stream.send(CHUNK)) }
    stream.addEventListener('drain', send)
    send()
  },

  async 'tunnel server' () {
    const target = createServer(socket => { socket.on('data', data => { received(data.length) }) })
    const path = join(folder, `target-${process.pid}.sock`)
    target.listen(kind === 'unix' ? { path } : { host: '127.0.0.1', port: 0 })
    await once(target, 'listening')
    const { peer } = await peers()
    const { addresses } = await tunnel.expose(kind === 'unix' ? `unix://${path}` : `tcp://127.0.0.1:${(target.address() as AddressInfo).port}`, {
      key: key('server'),
      listen: LISTEN,
      allow: [peer]
    })
    print(addresses[0])
  },

  async 'tunnel client' () {
    const path = join(folder, `local-${process.pid}.sock`)
    const { local } = await tunnel.connect(address, { key: key('client'), local: kind === 'unix' ? `unix://${path}` : 'tcp://127.0.0.1:0' })
    const socket = kind === 'unix' ? netConnect(path) : netConnect(Number(local[0].getComponents()[1].value), '127.0.0.1')
    const send = (): void => { flood(() => socket.write(CHUNK)) }
    socket.on('drain', send)
    send()
  }
}

/** With the settings of a tunnel, or those that everything has by default. */
async function createNode (listen: string[]): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen },
    transports: [webSockets()],
    connectionEncrypters: [kind === 'tuned' ? noise({ crypto: noiseCrypto }) : noise()],
    streamMuxers: [yamux(kind === 'tuned' ? { streamOptions: { initialStreamWindowSize: 1_048_576, maxStreamWindowSize: 4_194_304 } } : {})],
    connectionMonitor: { enabled: false }
  })
}

async function peers (): Promise<{ peer: string }> {
  return { peer: `${(await tunnel.readKey(key('client'))).publicKey}` }
}

/** Send until it is saturated. */
function flood (send: () => boolean): void {
  for (let more = true; more;) {
    more = send()
  }
}

function received (bytes: number): void {
  if (count === 0) {
    setTimeout(() => {
      const [before, since] = [count, performance.now()]
      setTimeout(() => { print(`${count - before} ${(performance.now() - since) / 1_000}`) }, Number(seconds) * 1_000)
    }, WARM_UP)
  }

  count += bytes
}

function print (line: unknown): void {
  process.stdout.write(`${line}\n`)
}

await ENDS[`${kind === 'tcp' || kind === 'unix' ? 'tunnel' : 'stack'} ${side}`]()
