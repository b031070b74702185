import { expect } from 'aegir/chai'
import { exchange, open, serve } from './fixtures.ts'
import type { Served } from './fixtures.ts'
import type { ListenOptions } from '../../src/server/index.ts'

describe('healthPath', () => {
  const serveHealth = async (options: ListenOptions = {}): Promise<Served> => serve({
    healthPath: '/healthz',
    onrequest: (_, response) => { response.end('the site') },
    ...options
  })
  const request = async ({ port }: Served, path: string, method = 'GET'): Promise<[status: number, body: string]> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { connection: 'close' } })

    return [response.status, await response.text()]
  }

  it('answers ok to GET and HEAD, with a query and a slash behind it or not', async () => {
    const served = await serveHealth()

    expect(await request(served, '/healthz')).to.deep.equal([200, 'ok\n'])
    expect(await request(served, '/healthz/?from=probe')).to.deep.equal([200, 'ok\n'])
    expect(await request(served, '/healthz', 'HEAD')).to.deep.equal([200, ''])
    expect(served.failures).to.be.empty()
  })

  it('leaves everything else to onrequest', async () => {
    const served = await serveHealth()

    for (const [path, method] of [['/', 'GET'], ['/healthz/more', 'GET'], ['/healthz', 'POST']]) {
      expect(await request(served, path, method), `${method} ${path}`).to.deep.equal([200, 'the site'])
    }
  })

  it('is not in the way of WebSockets on its path', async () => {
    const { port } = await serveHealth()

    await expect(exchange(await open(`ws://127.0.0.1:${port}/healthz`), 'hello')).to.eventually.equal('hello')
  })

  it('is nowhere by default', async () => {
    expect(await request(await serveHealth({ healthPath: undefined }), '/healthz')).to.deep.equal([200, 'the site'])
  })
})
