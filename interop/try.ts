import { multiaddr } from '@multiformats/multiaddr'
import { LANGUAGES } from './build.ts'
import { Peer } from './peer.ts'
import { startNode } from './js/node.ts'
import { openEcho, finishEcho } from './js/protocols.ts'
const program = await LANGUAGES.find(l => l.name === process.argv[2])!.build()
const peer = await Peer.start(program, { listen: ['/ip4/127.0.0.1/tcp/0/ws'] })
const node = await startNode((process.argv[4] ?? 'ws-transport') as any)
const c = await node.dial(multiaddr(peer.addresses[0]))
let n = 0
const timer = setInterval(() => { console.log('open', n, 'done', d, streams.filter(s => s.status !== 'closed').slice(0, 4).map(s => [s.id, s.status, s.readStatus, s.writeStatus, s.remoteWriteStatus, s.got, s.writeBuffer.byteLength, s.readBuffer.byteLength, s.sendWindowCapacity].join())) }, 1000)
let d = 0
const streams: any[] = []
const COUNT = Number(process.argv[3])
for (let i = 0; i < COUNT; i += 100) { streams.push(...await Promise.all(Array.from({ length: Math.min(100, COUNT) }, async () => { const s: any = await openEcho(c); n++; s.got = 0; s.addEventListener('message', (e: any) => { s.got += e.data.byteLength }); return s }))) }
console.log('all open', n)
await Promise.all(streams.map(async s => { await finishEcho(s, 10000); d++ }))
console.log('all done', d)
clearInterval(timer)
await node.stop(); await peer.end('kill')
