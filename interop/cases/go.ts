/** What only go-libp2p does: tcp, ws and wss on one port, and dials through an HTTP proxy. */
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { echo } from '../js/protocols.ts'
import { certificate, meet, ourNode, portOf, SERVER_NAME, startPeer } from '../meeting.ts'
import { join, listening } from '../ports.ts'
import type { Program } from '../build.ts'
import type { Socket } from 'node:net'

const MIB = 1_048_576

export function goListening (program: Program): void {
  it('tcp, ws and wss on one port', async () => {
    const { cert, files } = await certificate()
    const peer = await startPeer(program, {
      ...files,
      // one socket for all, because go takes the port of the first for the others too
      listen: ['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws', '/ip4/127.0.0.1/tcp/0/tls/ws'],
      args: ['--share']
    })

    expect(new Set(peer.addresses.map(portOf)).size).to.equal(1)

    for (const kind of ['/ws', '/tls/ws']) {
      const node = await ourNode({ ca: cert })
      const connection = await node.dial(multiaddr(peer.addresses.find(address => address.includes(`/tcp/${portOf(address)}${kind}`))))

      expect(`${connection.remotePeer}`).to.equal(peer.id)
      await echo(connection, MIB)
      await connection.close()
    }
  })
}

export function goDialling (program: Program): void {
  // Go uses no proxy for a host that is a loopback address or localhost: the name in the certificate is neither
  it('wss through an HTTP proxy', async () => {
    const proxy = await startProxy()
    const { dialler } = await meet({ program, weDial: false }, {
      listen: '/ip4/127.0.0.1/tcp/0/tls/ws',
      dial: (address) => address.replace('/tls/ws', `/tls/sni/${SERVER_NAME}/ws`)
    }, { env: { HTTPS_PROXY: proxy.url } })

    await dialler.echo(MIB)
    expect(proxy.requested).to.have.lengthOf(1)
    expect(proxy.requested[0]).to.match(new RegExp(`^${SERVER_NAME}:`))
  })
}

/** An HTTP proxy that leads to ports of this machine, whatever the host. */
async function startProxy (): Promise<{ url: string, requested: string[] }> {
  const requested: string[] = []
  const server = createServer().on('connect', ({ url = '' }, client: Socket) => {
    requested.push(url)
    client.write('HTTP/1.1 200 OK\r\n\r\n')
    join(client, connect(Number(url.split(':').at(-1)), '127.0.0.1'))
  })

  return { url: `http://127.0.0.1:${await listening(server)}`, requested }
}
