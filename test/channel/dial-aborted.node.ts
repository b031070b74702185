/** A dial that is called off, or must not be made: it leaves nothing behind. */
import { getEventListeners } from 'node:events'
import { expect } from 'aegir/chai'
import { parseAddress } from '../../src/address/index.ts'
import { dial } from '../../src/channel/index.ts'
import { listen } from '../../src/server/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { cleanUp } from '../fixtures/clean-up.ts'
import { tcpPeer, webSocketPeer } from '../fixtures/peers.ts'
import { failure } from './failure.ts'
import type { DialOptions } from '../../src/channel/index.ts'
import type { DialStage } from '../../src/errors.ts'
import type { LookupFunction } from 'node:net'

/** A name server that is asked and never answers. */
const silence: LookupFunction = () => {}

describe('dial that', () => {
  describe('is aborted', () => {
    it('makes no socket when the signal has fired already', async () => {
      const peer = await tcpPeer()
      const seen: DialStage[] = []

      const error = await failure(`${peer.address}`, { signal: AbortSignal.abort(), onProgress: stage => { seen.push(stage) } })

      expect(error).to.have.property('name', 'AbortError')
      expect(seen).to.deep.equal([])
      expect(peer.sockets).to.have.lengthOf(0)
    })

    for (const stage of ['resolve', 'connect', 'tls', 'upgrade'] as const) {
      it(`ends the sockets of both ends in stage ${stage}`, async () => {
        const peer = await tcpPeer()
        const certificate = await createCertificate()
        const server = await listen('/ip4/127.0.0.1/tcp/0/tls/ws', { https: certificate }, () => {})
        cleanUp(async () => server.close())
        const controller = new AbortController()
        // one that never answers, but for the stage behind TLS
        const { port } = parseAddress(stage === 'upgrade' ? server.addresses[0] : peer.address)

        const error = await failure(`/dns4/localhost/tcp/${port}/tls/ws`, {
          signal: controller.signal,
          tls: { ca: certificate.cert },
          tcp: { lookup: stage === 'resolve' ? silence : undefined },
          onProgress: at => {
            if (at === stage) {
              controller.abort()
            }
          }
        })

        expect(error).to.have.property('name', 'AbortError')
        expect(error.message).to.include(stage)
        expect(getEventListeners(controller.signal, 'abort')).to.have.lengthOf(0)
      })
    }

    it('leaves the signal alone once it is done', async () => {
      const controller = new AbortController()
      const channel = await dial((await webSocketPeer()).address, { signal: controller.signal })

      controller.abort()

      expect(getEventListeners(controller.signal, 'abort')).to.have.lengthOf(0)
      expect(channel.status).to.equal('open')
      channel.abort()
      await channel.closed
    })
  })

  describe('reports its progress to a listener that throws', () => {
    for (const stage of ['connect', 'upgrade'] as const) {
      it(`fails with what it threw, in stage ${stage}`, async () => {
        const thrown = new Error('no progress')
        const peer = await tcpPeer()

        const error = await failure(`${peer.address}`, {
          onProgress: at => {
            if (at === stage) {
              throw thrown
            }
          }
        })

        expect(error).to.equal(thrown)
      })
    }
  })

  describe('is misused', () => {
    const misuses: Record<string, DialOptions> = {
      'a header with a line break': { headers: { 'X-Name': 'a\r\nb: c' } },
      'a header name that is none': { headers: { 'no name': 'x' } },
      'a subprotocol that is no token': { subprotocols: ['a b'] },
      'a subprotocol twice': { subprotocols: ['a', 'a'] },
      'a certificate for TLS that is none': { tls: { cert: 'none' } }
    }

    for (const [what, options] of Object.entries(misuses)) {
      it(`sends nothing with ${what}`, async () => {
        const peer = await tcpPeer()
        const signal = new AbortController().signal

        const error = await failure(`${peer.address}`.replace('/ws', options.tls == null ? '/ws' : '/wss'), { ...options, signal })

        expect(error).to.have.property('name', 'InvalidParametersError')
        expect(error.cause).to.be.an.instanceOf(Error)
        expect(getEventListeners(signal, 'abort')).to.have.lengthOf(0)
        expect(peer.sockets).to.have.lengthOf(0)
      })
    }
  })
})
