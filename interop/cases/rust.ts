/** What only rust-libp2p does: it follows redirects, and dials paths in a notation of its own. */
import { createServer } from 'node:http'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { echo } from '../js/protocols.ts'
import { meet, onPort, ourNode, PLAIN, portOf, startPeer } from '../meeting.ts'
import { startNginx } from '../nginx.ts'
import { listening } from '../ports.ts'
import type { Program } from '../build.ts'

const MIB = 1_048_576
const PATH = '/libp2p'

export function rustListening (program: Program): void {
  it('a path through nginx', async function () {
    const peer = await startPeer(program, { listen: [PLAIN.listen] })
    const port = await startNginx(this, PATH, portOf(peer.addresses[0]))
    const node = await ourNode()
    const connection = await node.dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}/ws/http-path/${encodeURIComponent(PATH.slice(1))}/p2p/${peer.id}`))

    await echo(connection, MIB)
    await expect(node.dial(multiaddr(`/ip4/127.0.0.1/tcp/${port}/ws`))).to.eventually.be.rejected.with.nested.property('cause.status', 404)
  })
}

export function rustDialling (program: Program): void {
  it('a redirect', async () => {
    const { dialler } = await meet({ program, weDial: false }, {
      ...PLAIN,
      dial: async (address) => onPort(address, await startRedirect(portOf(address)))
    }, { args: ['--redirects', '1'] })

    await dialler.echo(MIB)
  })

  it('a path through nginx', async function () {
    const { dialler } = await meet({ program, weDial: false }, {
      ...PLAIN,
      dial: async (address) => onPort(address, await startNginx(this, PATH, portOf(address)))
        .replace('/ws/', `/x-parity-ws/${encodeURIComponent(PATH)}/`)
    })

    await dialler.echo(MIB)
  })
}

/** @returns the port of a server that sends WebSocket clients to another port */
async function startRedirect (to: number): Promise<number> {
  return listening(createServer().on('upgrade', (_, socket) => {
    socket.end(`HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:${to}/\r\n\r\n`)
  }))
}
