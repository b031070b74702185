/**
 * Keeps docs/deploy.md true: its unit, proxy, Prometheus, alerts and dashboard run together. Needs `npm run build` first.
 */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { webSockets } from '../../src/index.ts'
import { delay } from '../fixtures/delay.ts'
import { createNode } from '../fixtures/nodes.ts'
import { needsProxy, startProxy } from '../fixtures/proxies.ts'
import { open } from '../server/fixtures.ts'
import { EXAMPLES, UNIT, example, needsProgram, startPrometheus, startService, temporaryFolder } from './fixtures.ts'
import type { Prometheus, Service } from './fixtures.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

const run = promisify(execFile)
const page = readFileSync(new URL('../../docs/deploy.md', import.meta.url), 'utf8')
const dashboard = JSON.parse(readFileSync(join(EXAMPLES, 'dashboard.json'), 'utf8'))

interface Query {
  title: string
  expr: string
  /** Labels that the legend shows. */
  labels: string[]
}

const queries: Query[] = dashboard.panels.flatMap(({ title, targets }: any) => targets.map(({ expr, legendFormat }: any) => ({
  title,
  expr: expr.replaceAll('$__rate_interval', '5s'),
  labels: [...legendFormat.matchAll(/{{(\w+)}}/g)].map(([, label]) => label)
})))

describe('docs/deploy.md: the unit', function () {
  this.timeout(30_000)

  it('is what systemd takes', async function () {
    needsProgram(this, 'systemd-analyze', 'systemd')
    const file = join(await temporaryFolder(), 'ws-transport@1.service')
    await writeFile(file, await example(UNIT, { '/usr/bin/node': process.execPath }))
    const { stdout, stderr } = await run('systemd-analyze', ['verify', file])

    expect(stdout + stderr).to.not.include('ws-transport@1.service')
  })

  it('runs a node that stops when it is asked to, and is the same peer when it is started again', async () => {
    const first = await startService(1)
    first.process.kill('SIGTERM')
    expect(await once(first.process, 'exit')).to.deep.equal([0, null])
    const second = await startService(1, first)

    expect(`${second.announced}`).to.equal(`${first.announced}`)
    expect(`${second.announced}`).to.match(/^\/dns4\/example.com\/tcp\/443\/tls\/ws\/http-path\/1\/p2p\/12D3/)
  })
})

describe('docs/deploy.md: several nodes behind HAProxy', function () {
  this.timeout(30_000)

  it('are told apart by their paths, and one that is down leaves the other alone', async function () {
    needsProxy(this, 'haproxy')
    const [one, two] = [await startService(1), await startService(2)]
    const front = await startProxy('haproxy', '../deploy/haproxy.cfg', one.port, {
      '127.0.0.1:8081': `127.0.0.1:${one.port}`,
      '127.0.0.1:8082': `127.0.0.1:${two.port}`,
      'inter 2s': 'inter 200ms'
    })
    const client = await createNode(webSockets({ tls: { rejectUnauthorized: false } }))
    const ping = async ({ announced }: Service): Promise<number> => client.services.ping.ping(through(front, announced))
    await expect(ping(one)).to.eventually.be.a('number')
    await expect(ping(two)).to.eventually.be.a('number')

    one.process.kill('SIGTERM')
    await once(one.process, 'exit')
    await expect(ping(one)).to.eventually.be.rejected()
    await expect(ping(two)).to.eventually.be.a('number')

    const again = await startService(1, one)
    await eventually(async () => ping(again))
  })
})

describe('docs/deploy.md: metrics', function () {
  this.timeout(60_000)

  before(function () {
    needsProgram(this, 'prometheus', 'prometheus')
  })

  it('promtool takes the configuration and its rules', async () => {
    await run('promtool', ['check', 'config', join(EXAMPLES, 'prometheus.yml')])
    await run('promtool', ['check', 'rules', join(EXAMPLES, 'alerts.yml')])
  })

  it('Prometheus answers every query of the dashboard, evaluates every rule, and sees a node that is down', async () => {
    const services = [await startService(1), await startService(2)]
    const prometheus = await startPrometheus(services)
    await Promise.all(services.map(use))
    await Promise.all(queries.map(async query => eventually(async () => answers(prometheus, query))))

    services[1].process.kill('SIGTERM')
    await eventually(async () => {
      const { alerts } = await prometheus.get('alerts')
      expect(alerts.map(({ labels }: any) => `${labels.alertname} ${labels.instance}`)).to.include(`NodeDown 127.0.0.1:${services[1].metricsPort}`)
    })
    const { groups } = await prometheus.get('rules')
    const rules = groups.flatMap(({ rules }: any) => rules)
    expect(rules.map(({ health }: any) => health)).to.deep.equal(Array(rules.length).fill('ok'))
  })

  it('all that the page, the dashboard and the alerts name are there', async () => {
    const service = await startService(1)
    const there = names(await service.metrics(), /^# HELP (\w+)/gm)
    const metric = /\b((?:libp2p|process|nodejs)_\w+)\b/g
    const source = readFileSync(new URL('../../src/transport/metrics.ts', import.meta.url), 'utf8')

    expect(there).to.include.members(names(page, metric))
    expect(there).to.include.members(names(queries.map(({ expr }) => expr).join(' '), metric))
    expect(there).to.include.members(names(await example('alerts.yml', {}), metric))
    expect(names(page, metric)).to.include.members(names(source, metric))
  })

  it('no scrape counts a byte twice', async () => {
    const service = await startService(1)
    await use(service)
    const bytes = async (): Promise<number> => Number((await service.metrics()).match(/bytes_total{direction="in"} (\d+)/)?.[1])
    const first = await bytes()
    expect(first).to.be.greaterThan(0)
    await bytes()
    await bytes()

    expect(await bytes()).to.be.lessThan(2 * first)
  })
})

describe('docs/deploy.md', () => {
  it('has every file of examples/deploy', () => {
    const files = readdirSync(EXAMPLES).filter(file => file !== 'tsconfig.json' && file !== 'dist')

    expect(names(page, /\]\(\.\.\/examples\/deploy\/([^)]+)\)/g)).to.have.members(files)
  })
})

/** Connect to a node, and more often in a second than it allows one address, so that it has something to tell. */
async function use ({ port, announced }: Service): Promise<void> {
  const node = await createNode()
  const [, id] = `${announced}`.split('/p2p/')
  const path = `/ip4/127.0.0.1/tcp/${port}/ws${/\/http-path\/\d/.exec(`${announced}`)?.[0]}`
  await node.services.ping.ping(multiaddr(`${path}/p2p/${id}`))
  // as a proxy would say it
  const dials = await Promise.allSettled(Array.from({ length: 30 }, async () => open(path, { headers: { 'X-Forwarded-For': '192.0.2.1' } })))

  expect(dials.map(({ status }) => status)).to.include.members(['fulfilled', 'rejected'])
}

/** The query has values, with the labels of its legend. */
async function answers (prometheus: Prometheus, { title, expr, labels }: Query): Promise<void> {
  const { result } = await prometheus.get(`query?query=${encodeURIComponent(expr)}`)

  expect(result, title).to.not.be.empty()
  result.forEach(({ metric }: any) => { expect(metric, title).to.include.all.keys(labels) })
}

/** The address that is announced, where a proxy has it here. */
function through (front: number, announced: Multiaddr): Multiaddr {
  return multiaddr(`${announced}`.replace('/dns4/example.com/tcp/443/tls/', `/ip4/127.0.0.1/tcp/${front}/tls/sni/example.com/`))
}

/** Try until it works, for what has no event; the time limit is that of the test. */
async function eventually (attempt: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + 20_000

  for (;;) {
    try {
      await attempt()

      return
    } catch (error) {
      if (Date.now() > deadline) {
        throw error
      }
    }

    await delay(100)
  }
}

function names (text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name]) => name))]
}
