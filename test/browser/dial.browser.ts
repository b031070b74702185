import { CODE_TCP, multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { dial } from '../../src/channel/index.ts'
import { listen } from '../../src/server/index.ts'
import { createBench } from '../fixtures/transport.ts'
import { engines } from './engines.ts'
import type { DialOptions } from '../../src/channel/index.ts'

/** Nothing listens there, and browsers do not block it. */
const REFUSED = '/ip4/127.0.0.1/tcp/2/ws'
const SILENT = process.env.SILENT ?? ''

for (const { name, dial } of engines) {
  const failure = async (address: string, options?: DialOptions): Promise<any> =>
    dial(address, options).then(() => new Error('it opened'), (error: Error) => error)

  describe(`dial, ${name}`, () => {
    it('says where it failed, and what may be the reason', async () => {
      const error = await failure(REFUSED)

      expect(error).to.include({ name: 'ConnectionFailedError', address: REFUSED, stage: 'connect' })
      expect(error.message).to.match(/the browser does not say why; is a WebSocket server there/)
      expect(error).to.have.nested.property('cause.cause')
    })

    it('says that a port is blocked', async () => {
      expect(await failure('/ip4/127.0.0.1/tcp/6667/ws')).to.have.property('message').that.includes('browsers block port 6667')
    })

    it('says what is likely for TLS with an IP address', async () => {
      expect(await failure('/ip4/127.0.0.1/tcp/2/tls/ws')).to.have.property('message').that.includes('does not trust the certificate')
    })

    it('ends with AbortError when the signal fires, before and after it has begun', async () => {
      const controller = new AbortController()
      const pending = failure(SILENT, { signal: controller.signal } as DialOptions)
      controller.abort()

      expect(await pending).to.have.property('name', 'AbortError')
      expect(await failure(SILENT, { signal: controller.signal } as DialOptions)).to.have.property('name', 'AbortError')
    })

    it('ends with AbortError when the signal fires in onProgress', async () => {
      const controller = new AbortController()

      expect(await failure(SILENT, { signal: controller.signal, onProgress () { controller.abort() }, handshakeTimeout: 1_000 })).to.have.property('name', 'AbortError')
    })

    it('ends with TimeoutError when there is no WebSocket in time', async () => {
      const error = await failure(SILENT, { handshakeTimeout: 50 } as DialOptions)

      expect(error).to.have.property('name', 'TimeoutError')
      expect(error.message).to.include(SILENT)
    })

    it('refuses what a browser cannot do', async () => {
      expect(await failure('/unix/%2Ftmp%2Fx/ws')).to.have.property('name', 'InvalidMultiaddrError')
      expect(await failure('/ip6zone/x/ip6/fe80::1/tcp/1/ws')).to.have.property('name', 'InvalidMultiaddrError')
      expect(await failure(REFUSED, { headers: {} } as DialOptions)).to.have.property('name', 'UnsupportedOperationError')
      expect(await failure(REFUSED, { tls: {} } as DialOptions)).to.have.property('name', 'UnsupportedOperationError')
      expect(await failure(REFUSED, { subprotocols: ['no token'] } as DialOptions)).to.have.property('name', 'InvalidParametersError')
    })
  })
}

describe('in a browser', () => {
  it('nobody listens', async () => {
    const { transport, createListener } = createBench()

    expect(transport.listenFilter([multiaddr('/ip4/127.0.0.1/tcp/0/ws')])).to.deep.equal([])
    expect(createListener).to.throw().with.property('name', 'UnsupportedOperationError')
    await expect(listen('/ip4/127.0.0.1/tcp/0/ws', {}, () => {})).to.eventually.be.rejected.with.property('name', 'UnsupportedOperationError')
  })

  it('the filter leaves out what the browser would refuse, unless told otherwise', () => {
    const addresses = ['/dns/example.com/tcp/443/tls/ws', '/ip4/127.0.0.1/tcp/6667/ws', '/unix/%2Ftmp%2Fx/ws', '/ip6zone/x/ip6/fe80::1/tcp/1/ws', '/ip4/127.0.0.1/tcp/1234/ws'].map(address => multiaddr(address))
    const portsOf = (init: { browserFilter?: boolean }): Array<string | undefined> =>
      createBench(init).transport.dialFilter(addresses).map(ma => ma.getComponents().find(({ code }) => code === CODE_TCP)?.value)

    expect(portsOf({})).to.deep.equal(['443', '1234'])
    expect(portsOf({ browserFilter: false })).to.deep.equal(['443', '6667', '1234'])
  })

  it('reports a stage of the dial, and says nothing about this end', async () => {
    const stages: string[] = []
    const channel = await dial((process.env.NODE_ADDRESSES ?? '').split('/p2p/')[0], { onProgress: stage => { stages.push(stage) } })

    expect(stages).to.deep.equal(['connect'])
    expect(channel.local).to.include({ host: '', port: 0 })
    channel.abort()
    await channel.closed
  })
})
