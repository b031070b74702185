/** A js-libp2p node for the interoperability matrix. See ../README.md for its command line and the verbs on its stdin. */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { multiaddr } from '@multiformats/multiaddr'
import { startNode, TRANSPORTS } from './node.ts'
import { echo, echoes, perf } from './protocols.ts'
import type { Connection } from '@libp2p/interface'

const { values } = parseArgs({
  options: {
    transport: { type: 'string', default: TRANSPORTS[0] },
    listen: { type: 'string' },
    cert: { type: 'string' },
    key: { type: 'string' },
    ca: { type: 'string' }
  }
})
const transport = TRANSPORTS.find(name => name === values.transport) ?? TRANSPORTS[0]
const { cert, key, ca } = { cert: read(values.cert), key: read(values.key), ca: read(values.ca) }
const node = await startNode(transport, {
  listen: values.listen?.split(','),
  certificate: cert == null || key == null ? undefined : { cert, key },
  ca
})

say({ peer: `${node.peerId}`, addresses: node.getMultiaddrs().map(String) })

// ends with the program that started this one
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ...words] = line.split(' ')

  try {
    say(await obey(verb, words))
  } catch (err: any) {
    // `@libp2p/websockets` throws the event of its WebSocket
    const { name, message } = err.error ?? err

    say({ error: `${name}: ${message}` })
  }
}

process.exit()

async function obey (verb: string, words: string[]): Promise<object> {
  if (verb === 'dial') {
    const { remotePeer, remoteAddr } = await node.dial(multiaddr(words[0]))

    return { peer: `${remotePeer}`, address: `${remoteAddr}` }
  }

  if (verb === 'exit') {
    process.exit()
  }

  const connection = onlyConnection()
  const [first, second] = words.map(Number)

  switch (verb) {
    case 'ping':
      return { ms: await node.services.ping.ping(connection.remotePeer), peer: `${connection.remotePeer}` }
    case 'echo':
      await echo(connection, first)
      return { bytes: first }
    case 'streams':
      await echoes(connection, first, second)
      return { streams: first }
    case 'perf':
      return { seconds: await perf(connection, first, second) }
    case 'close':
      await connection.close()
      return {}
    default:
      throw new Error(`unknown verb ${verb}`)
  }
}

function onlyConnection (): Connection {
  const connections = node.getConnections()

  if (connections.length !== 1) {
    throw new Error(`${connections.length} connections instead of 1`)
  }

  return connections[0]
}

function read (file?: string): string | undefined {
  return file == null ? undefined : readFileSync(file, 'utf8')
}

function say (what: object): void {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}
