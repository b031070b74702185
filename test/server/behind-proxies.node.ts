import { expect } from 'aegir/chai'
import { needsProxy, startProxy } from '../fixtures/proxies.ts'
import { exchange, open, rawTlsClient, serve, upgradeRequest } from './fixtures.ts'
import type { Served } from './fixtures.ts'
import type { ListenOptions } from '../../src/server/index.ts'
import type { ProxyName } from '../fixtures/proxies.ts'

interface Setup {
  name: ProxyName
  file: string
  /** How the proxy says who its client is. */
  by: string
  options: ListenOptions
  changes?: Record<string, string>
  /** In place of a minute in its configuration. */
  shortTimeout?: Record<string, string>
}

const NGINX_SHORT = { '60s': '2s' }
const HAPROXY_SHORT = { '60s': '2s' }

const SETUPS: Setup[] = [
  { name: 'nginx', file: 'nginx.conf', by: 'X-Forwarded-For', options: {}, shortTimeout: NGINX_SHORT },
  { name: 'nginx', file: 'nginx.conf', by: 'X-Real-IP', options: { forwardedHeader: 'x-real-ip' } },
  { name: 'haproxy', file: 'haproxy.cfg', by: 'X-Forwarded-For', options: {}, shortTimeout: HAPROXY_SHORT },
  { name: 'haproxy', file: 'haproxy.cfg', by: 'Forwarded', options: { forwardedHeader: 'forwarded' } },
  { name: 'haproxy', file: 'haproxy-proxy-protocol.cfg', by: 'PROXY protocol, version 2', options: { proxyProtocol: true }, shortTimeout: HAPROXY_SHORT },
  { name: 'haproxy', file: 'haproxy-proxy-protocol.cfg', by: 'PROXY protocol, version 1', options: { proxyProtocol: true }, changes: { 'send-proxy-v2': 'send-proxy' } },
  { name: 'caddy', file: 'Caddyfile', by: 'X-Forwarded-For', options: {} }
]

/** What a client says that wants to be another one. */
const LIES = { 'X-Forwarded-For': '10.9.9.9', Forwarded: 'for=10.9.9.9', 'X-Real-IP': '10.9.9.9' }

for (const { name, file, by, options, changes, shortTimeout } of SETUPS) {
  describe(`behind ${name}, by ${by}`, function () {
    this.timeout(20_000)

    before(function () {
      needsProxy(this, name)
    })

    const start = async (more: ListenOptions = {}, otherwise = changes): Promise<Served & { front: number }> => {
      const served = await serve({ trustProxy: '127.0.0.1', ...options, ...more })

      return { ...served, front: await startProxy(name, file, served.port, otherwise) }
    }

    it('each client has its own address, whatever it says about itself', async () => {
      const { front, accepted } = await start()

      for (const [count, localAddress] of ['127.0.0.3', '127.0.0.4'].entries()) {
        const client = await rawTlsClient(front, upgradeRequest(LIES), { localAddress } as object)
        await client.receives('101')

        expect((await accepted(count + 1)).remote).to.include({ host: localAddress, family: 4 })
      }
    })

    it('limits and verify are about the client', async () => {
      const hosts: string[] = []
      const { front } = await start({ limits: { connectionsPerAddress: 1 }, verify: (_, { remote }) => { hosts.push(remote.host) } })
      const connect = async (localAddress: string): Promise<string> => {
        const client = await rawTlsClient(front, upgradeRequest(LIES), { localAddress } as object)
        await Promise.race([client.receives('\r\n\r\n'), client.closed])

        return client.received.slice(0, 'HTTP/1.1 101'.length)
      }

      expect(await connect('127.0.0.3')).to.equal('HTTP/1.1 101')
      expect(await connect('127.0.0.4')).to.equal('HTTP/1.1 101')
      expect(await connect('127.0.0.3')).to.not.equal('HTTP/1.1 101')
      expect(hosts).to.deep.equal(['127.0.0.3', '127.0.0.4'])
    })

    it('messages of all sizes pass both ways', async () => {
      const { front } = await start()
      const channel = await open(`/ip4/127.0.0.1/tcp/${front}/tls/ws`, { tls: { rejectUnauthorized: false } })

      for (const size of [1, 1_000, 100_000, 2_000_000]) {
        await expect(exchange(channel, 'x'.repeat(size))).to.eventually.have.lengthOf(size)
      }
    })

    if (shortTimeout != null) {
      it('an idle channel lives as long as it is pinged sooner than the proxy would close it, and not otherwise', async () => {
        const pinged = await start({ keepAlive: 300 }, shortTimeout)
        const silent = await start({ keepAlive: 0 }, shortTimeout)
        const [living, dying] = await Promise.all([pinged, silent].map(async ({ front }) => open(`/ip4/127.0.0.1/tcp/${front}/tls/ws`, { keepAlive: 0, tls: { rejectUnauthorized: false } })))
        const opened = performance.now()
        await dying.closed
        await new Promise(resolve => setTimeout(resolve, 1_000))

        expect(performance.now() - opened).to.be.greaterThan(2_500)
        await expect(exchange(living, 'still here')).to.eventually.equal('still here')
      })
    }
  })
}
