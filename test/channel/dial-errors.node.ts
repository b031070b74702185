/** What a dial says when it fails, stage by stage, and that it leaves nothing behind. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect } from 'aegir/chai'
import { listen } from '../../src/server/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { tcpPeer, upgrade, webSocketPeer } from '../fixtures/peers.ts'
import { failure } from './failure.ts'
import { answering, expectFailed, rude } from './rude.ts'
import { portOf } from './wire-pair.ts'
import type { Certificate } from '../fixtures/certificate.ts'
import type { AddressInfo, Socket } from 'node:net'
import type { LookupFunction } from 'node:net'

/** A name server that is asked and never answers. */
const silence: LookupFunction = () => {}

describe('dial that fails', () => {
  let certificate: Certificate
  before(async () => {
    certificate = await createCertificate()
  })

  describe('resolve', () => {
    it('says that there is no such name', async () => {
      const error = await failure('/dns4/nowhere.invalid/tcp/80/ws')

      expectFailed(error, 'resolve')
      expect(error.cause).to.have.property('syscall', 'getaddrinfo')
    })

    it('says that it did not take place in time', async () => {
      const error = await failure('/dns4/localhost/tcp/80/wss', { handshakeTimeout: 30, tcp: { lookup: silence } })

      expect(error).to.have.property('name', 'TimeoutError')
      expect(error.message).to.include('/dns4/localhost').and.include('resolve').and.include('30 ms')
    })
  })

  describe('connect', () => {
    it('says that the port is refused, at one address or all of a name', async () => {
      const server = createServer().listen(0)
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      server.close()
      await once(server, 'close')

      for (const host of ['/ip4/127.0.0.1', '/dns/localhost']) {
        const error = await failure(`${host}/tcp/${port}/ws`)

        expectFailed(error, 'connect')
        expect(error.cause).to.have.property('code', 'ECONNREFUSED')
        expect(error.message).to.include('ECONNREFUSED')
      }
    })

    it('does not dial a port that only a listener may have', async () => {
      expect(await failure('/ip4/127.0.0.1/tcp/0/ws')).to.have.property('name', 'InvalidMultiaddrError')
    })
  })

  describe('tls', () => {
    it('says what is wrong with the certificate', async () => {
      const server = await listen('/ip4/127.0.0.1/tcp/0/tls/ws', { https: certificate }, () => {})
      cleanUp(async () => server.close())
      const at = `/ip4/127.0.0.1/tcp/${portOf(server)}/tls`

      const unknown = await failure(`${at}/ws`)
      expectFailed(unknown, 'tls')
      expect(unknown.cause).to.have.property('code', 'DEPTH_ZERO_SELF_SIGNED_CERT')

      const other = await failure(`${at}/sni/other.example/ws`, { tls: { ca: certificate.cert } })
      expectFailed(other, 'tls')
      expect(other.cause).to.have.property('code', 'ERR_TLS_CERT_ALTNAME_INVALID')
    })

    it('says that the server speaks no TLS, ends, or never answers', async () => {
      expectFailed(await failure((await webSocketPeer()).address.toString().replace('/ws', '/wss')), 'tls')
      expectFailed(await failure((await rude(socket => { socket.end() })).replace('ws:', 'wss:')), 'tls')

      const error = await failure((await tcpPeer()).address.toString().replace('/ws', '/wss'), { handshakeTimeout: 50 })
      expect(error).to.have.property('name', 'TimeoutError')
      expect(error.message).to.include('tls')
    })
  })

  describe('upgrade', () => {
    for (const status of ['200 OK', '302 Found', '404 Not Found', '503 Unavailable']) {
      it(`has the status of a server that answers ${status}`, async () => {
        const error = await failure(await answering(`HTTP/1.1 ${status}\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n`))

        expectFailed(error, 'upgrade')
        expect(error.cause).to.include({ name: 'UpgradeRejectedError', status: Number(status.slice(0, 3)) })
        expect(error.message).to.include(status)
      })
    }

    const wrong: Record<string, string> = {
      'sends garbage': '\x00\xff SSH-2.0-OpenSSH\r\n\r\n',
      'accepts another key': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
      'upgrades to something else': 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
      'sends headers without end': `HTTP/1.1 101 Switching Protocols\r\nX: ${'x'.repeat(100_000)}`
    }

    for (const [what, answer] of Object.entries(wrong)) {
      it(`fails when the server ${what}`, async () => {
        expectFailed(await failure(await answering(answer)), 'upgrade')
      })
    }

    it('fails when the server ends, or resets, instead of an answer or within it', async () => {
      const answers: Array<(socket: Socket) => void> = [
        socket => { socket.end() },
        socket => { socket.resetAndDestroy() },
        socket => { socket.end('HTTP/1.1 101 Switch') }
      ]

      for (const answer of answers) {
        expectFailed(await failure(await rude(socket => { socket.once('data', answer.bind(undefined, socket)) })), 'upgrade')
      }
    })

    it('fails when the server speaks TLS', async () => {
      const server = await listen('/ip4/127.0.0.1/tcp/0/tls/ws', { https: certificate }, () => {})
      cleanUp(async () => server.close())

      expectFailed(await failure(`/ip4/127.0.0.1/tcp/${portOf(server)}/ws`), 'upgrade')
    })

    it('fails when the server takes no offered subprotocol, or one that was not offered', async () => {
      const peer = await tcpPeer()
      void peer.accept().then(upgrade)
      expectFailed(await failure(`${peer.address}`, { subprotocols: ['a', 'b'] }), 'upgrade')

      const server = await listen('/ip4/127.0.0.1/tcp/0/ws', { subprotocol: 'c' }, () => {})
      cleanUp(async () => server.close())
      expectFailed(await failure(`${server.addresses[0]}`, { subprotocols: ['a', 'b'] }), 'upgrade')
    })

    it('says that there was no answer in time', async () => {
      const peer = await tcpPeer()
      const error = await failure(`${peer.address}`, { handshakeTimeout: 50 })

      expect(error).to.have.property('name', 'TimeoutError')
      expect(error.message).to.include(`${peer.address}`).and.include('upgrade').and.include('50 ms')
    })
  })
})
