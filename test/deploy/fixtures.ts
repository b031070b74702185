/** What docs/deploy.md has, run as it says, with ports and folders that are free here. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { multiaddr } from '@multiformats/multiaddr'
import { cleanUp } from '../fixtures/clean-up.ts'
import { delay } from '../fixtures/delay.ts'
import { skip } from '../fixtures/skip.ts'
import { freePort } from '../server/fixtures.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Context } from 'mocha'
import type { ChildProcess } from 'node:child_process'

export const EXAMPLES = fileURLToPath(new URL('../../examples/deploy/', import.meta.url))
export const UNIT = 'ws-transport@.service'

/** Skip the test, or fail in CI, where the program is not installed. */
export function needsProgram (test: Context, program: string, debianPackage: string): void {
  if (spawnSync(program, ['--version']).error == null) {
    return
  }

  if (process.env.CI === 'true') {
    throw new Error(`CI needs ${program}: see .ci/packages.txt`)
  }

  skip(test, `there is no ${program} (Debian: ${debianPackage})`)
}

export async function temporaryFolder (): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ws-transport-deploy-'))
  cleanUp(async () => rm(folder, { recursive: true }))

  return folder
}

/** The text of an example with some of it replaced. */
export async function example (file: string, changes: Record<string, string>): Promise<string> {
  return Object.entries(changes).reduce((text, [from, to]) => text.replaceAll(from, to), await readFile(join(EXAMPLES, file), 'utf8'))
}

/** One instance of the unit. */
export interface Service {
  readonly port: number
  readonly metricsPort: number
  readonly state: string
  readonly process: ChildProcess
  /** The address that it announces, from outside. */
  readonly announced: Multiaddr
  /** What Prometheus gets. */
  metrics (): Promise<string>
}

/** Run the ExecStart of the unit with its Environment. */
export async function startService (instance: number, before?: Service): Promise<Service> {
  const port = before?.port ?? await freePort()
  const metricsPort = before?.metricsPort ?? await freePort()
  const state = before?.state ?? await temporaryFolder()
  const unit = await example(UNIT, { '808%i': `${port}`, '946%i': `${metricsPort}`, '%i': `${instance}` })
  const values = (key: string): string[] => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value)
  const [command, ...args] = values('ExecStart')[0].replace('/usr/bin/node', process.execPath).split(' ')
  const env = Object.fromEntries(values('Environment').map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
  const child = spawn(command, args, { cwd: EXAMPLES, env: { ...env, STATE_DIRECTORY: state }, stdio: ['ignore', 'pipe', 'inherit'] })
  endLater(child)
  const [line] = await once(createInterface(child.stdout), 'line')

  return {
    port,
    metricsPort,
    state,
    process: child,
    announced: multiaddr(line),
    metrics: async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  }
}

export interface Prometheus {
  /** What an endpoint of its API has for us. */
  get (path: string): Promise<any>
}

/** A Prometheus with the example configuration, and less patience. */
export async function startPrometheus (services: Service[]): Promise<Prometheus> {
  const folder = await temporaryFolder()
  const port = await freePort()
  const targets = Object.fromEntries(services.map(({ metricsPort }, i) => [`127.0.0.1:946${i + 1}`, `127.0.0.1:${metricsPort}`]))
  await writeFile(join(folder, 'prometheus.yml'), await example('prometheus.yml', { ...targets, '15s': '200ms' }))
  await writeFile(join(folder, 'alerts.yml'), await example('alerts.yml', {}))
  const child = spawn('prometheus', [
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`
  ], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.on('data', data => { log += data })
  endLater(child)

  while (!await fetch(`http://127.0.0.1:${port}/-/ready`).then(({ ok }) => ok, () => false)) {
    if (child.exitCode != null) {
      throw new Error(`prometheus ended with code ${child.exitCode}: ${log}`)
    }

    await delay(20)
  }

  return {
    async get (path) {
      const { status, data, error } = await (await fetch(`http://127.0.0.1:${port}/api/v1/${path}`)).json()

      if (status !== 'success') {
        throw new Error(error)
      }

      return data
    }
  }
}

function endLater (child: ChildProcess): void {
  const exited = once(child, 'exit')
  cleanUp(async () => {
    child.kill('SIGKILL')
    await exited
  })
}
