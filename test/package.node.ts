/**
 * What users get, seen from outside: the built package, its types, its documentation and the shape of its source.
 * Needs `npm run build` first.
 */
import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { access, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'aegir/chai'
import { build } from 'esbuild'
import * as constants from '../src/constants.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** What each entry point must export, and nothing else. */
const entryPoints: Record<string, string[]> = {
  '.': ['webSockets'],
  './channel': ['dial'],
  './server': ['HttpServers', 'listen'],
  './duplex': ['duplex', 'duplexToConnection'],
  './noise': ['noiseCrypto'],
  './sp': ['bus', 'pair', 'pair1', 'pub', 'pull', 'push', 'rep', 'req', 'respondent', 'sub', 'surveyor'],
  './tcp': ['sharedTcp'],
  './bridge': ['bridge', 'framings', 'resolvers', 'tunnel']
}

describe('package exports', () => {
  it('has the entry points of the design', () => {
    expect(Object.keys(manifest.exports)).to.have.members(Object.keys(entryPoints))
  })

  for (const [path, names] of Object.entries(entryPoints)) {
    const name = posix.join(manifest.name, path)

    it(`imports ${name} by name`, async () => {
      expect(Object.keys(await import(name))).to.have.members(names)
    })

    it(`has types for ${name}`, async () => {
      await access(join(root, manifest.exports[path].types))
    })
  }
})

describe('package types', () => {
  let consumer: string

  before(async () => {
    consumer = await mkdtemp(join(tmpdir(), 'ws-transport-consumer-'))
    await mkdir(join(consumer, 'node_modules'))
    await symlink(root, join(consumer, 'node_modules', manifest.name))
    await symlink(join(root, 'node_modules/@types'), join(consumer, 'node_modules/@types'))
    await writeFile(join(consumer, 'package.json'), '{ "type": "module" }')
    await writeFile(join(consumer, 'index.ts'), Object.entries(entryPoints).map(([path, names], i) => `
      import * as entry${i} from '${posix.join(manifest.name, path)}'
      export const { ${names.map(name => `${name}: ${name}${i}`).join(', ')} } = entry${i}
      // @ts-expect-error what resolves to any would have this, too
      entry${i}.notExported
    `).join(''))
  })

  after(async () => {
    await rm(consumer, { recursive: true })
  })

  const resolutions = [['node16', 'node16'], ['nodenext', 'nodenext'], ['bundler', 'esnext']]

  resolutions.forEach(([moduleResolution, module]) => {
    it(`resolve under ${moduleResolution} resolution`, async function () {
      this.timeout(60_000)

      await tsc(consumer, ['--moduleResolution', moduleResolution, '--module', module])
    })
  })
})

describe('package contents', () => {
  let files: string[]

  before(async function () {
    this.timeout(60_000)

    const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root })
    files = JSON.parse(stdout)[0].files.map(({ path }: { path: string }) => path)
  })

  it('ships every file that package.json points to', () => {
    const targets = [manifest.types, ...Object.values<string>(manifest.bin), ...Object.values<any>(manifest.exports).flatMap(Object.values), ...Object.entries<string>(manifest.browser).flat()]

    expect(missing(targets.map(path => posix.normalize(path)))).to.be.empty()
  })

  it('ships both licenses, the readme, the changelog and the source that source maps show', () => {
    expect(missing(['LICENSE-MIT', 'LICENSE-APACHE', 'README.md', 'CHANGELOG.md', 'src/index.ts'])).to.be.empty()
  })

  it('ships no tests, no configuration and no build state', () => {
    expect(files.filter(path => !/^(?:src|dist\/src|docs)\/|^[A-Z-]+(?:\.md)?$|^package\.json$/.test(path))).to.be.empty()
    expect(files.filter(path => /test|spec|tsbuildinfo/.test(path))).to.be.empty()
  })

  const missing = (wanted: string[]): string[] => wanted.filter(path => !files.includes(path))
})

describe('package bin', () => {
  const bin = join(root, manifest.bin['ws-transport'])

  it('starts with a shebang', async () => {
    expect(await readFile(bin, 'utf8')).to.match(/^#!\/usr\/bin\/env node\n/)
  })

  it('prints its help', async function () {
    this.timeout(30_000)

    const { stdout, stderr } = await run(process.execPath, [bin, '--help'])

    expect(stdout).to.include('Usage: ws-transport')
    expect(stderr).to.equal('')
  })
})

describe('package documentation', () => {
  /** The constant behind the default of each option. */
  const defaults: Record<string, keyof typeof constants | number> = {
    attemptDelay: 'CONNECT_ATTEMPT_DELAY',
    backlog: 'BACKLOG',
    closeTimeout: 'CLOSE_TIMEOUT',
    handshakeTimeout: 'HANDSHAKE_TIMEOUT',
    highWaterMark: 'HIGH_WATER_MARK',
    idleTimeout: 'UDP_IDLE_TIMEOUT',
    inactivityTimeout: 'INACTIVITY_TIMEOUT',
    keepAlive: 'KEEP_ALIVE_INTERVAL',
    keepAliveTimeout: 'KEEP_ALIVE_TIMEOUT',
    lowWaterMark: 'LOW_WATER_MARK',
    maxBufferedAmount: 'HIGH_WATER_MARK',
    maxMessage: 'MAX_INBOUND_MESSAGE',
    maxMessageSize: 'MAX_OUTBOUND_MESSAGE',
    maxRedirects: 0,
    maxSessions: 'BRIDGE_MAX_SESSIONS',
    offset: 0,
    static: 0,
    maxStreams: 'TUNNEL_MAX_STREAMS',
    reconnect: 'TUNNEL_RECONNECT',
    reconnectMax: 'TUNNEL_RECONNECT_MAX',
    waitTimeout: 'TUNNEL_WAIT_TIMEOUT'
  }

  /** Those of SP sockets; a number is not worth a constant. */
  const spDefaults: Record<string, Array<keyof typeof constants | number>> = {
    keepAlive: [0],
    maxFrame: ['SP_MAX_FRAME'],
    maxMessage: ['SP_MAX_MESSAGE'],
    highWaterMark: ['SP_HIGH_WATER_MARK'],
    receiveBuffer: ['SP_RECEIVE_BUFFER'],
    reconnectMax: [0],
    reconnectMin: ['SP_RECONNECT'],
    resendTime: ['SP_RESEND_TIME'],
    // of best effort, and of the others
    sendBuffer: ['SP_SEND_BUFFER', 0],
    surveyTime: ['SP_SURVEY_TIME'],
    ttl: ['SP_TTL']
  }

  const isSp = ({ file }: { file: string }): boolean => file.startsWith('sp/')

  const browserDefaults: Record<string, keyof typeof constants> = {
    highWaterMark: 'BROWSER_HIGH_WATER_MARK',
    lowWaterMark: 'BROWSER_LOW_WATER_MARK',
    maxBufferedAmount: 'BROWSER_HIGH_WATER_MARK'
  }

  for (const { file, option, value, browsers } of numericDefaults()) {
    it(`states the default that ${option} has, in ${file}`, () => {
      const expected = isSp({ file }) ? spDefaults[option] : [defaults[option]]

      expect(expected.map(name => typeof name === 'number' ? name : constants[name])).to.include(value)
      expect(browsers).to.equal(isSp({ file }) ? undefined : constants[browserDefaults[option]])
    })
  }

  it('states a default for every constant that is one', () => {
    const names = (of: (item: { file: string }) => boolean): Set<string> => new Set(numericDefaults().filter(of).map(({ option }) => option))

    expect(names(item => !isSp(item))).to.deep.equal(new Set(Object.keys(defaults)))
    expect(names(isSp)).to.deep.equal(new Set(Object.keys(spDefaults)))
  })
})

describe('source', () => {
  it('uses every exported constant', () => {
    const code = sources().filter(({ file }) => file !== 'constants.ts').map(({ text }) => text).join('\n')
    const names = Object.entries(constants).flatMap(([name, value]) =>
      typeof value === 'object' ? Object.keys(value).map(key => `${name}.${key}`) : [name])

    expect(names.filter(name => !code.includes(name))).to.be.empty()
  })

  it('points imports down only', () => {
    const upward = sources().flatMap(({ file, text }) =>
      localImports(file, text).filter(target => !mayImport(file, target)).map(target => `${file} -> ${target}`))

    expect(upward).to.be.empty()
  })

  it('loads no undici, which each garbage collection would walk through', async () => {
    const program = "await import('ws-transport'); console.log(process.moduleLoadList.filter(name => name.includes('undici')).length)"
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program], { cwd: root })

    expect(stdout).to.equal('0\n')
  })

  it('runs as a bundle of CommonJS, which an executable of one file is', async () => {
    const { outputFiles: [{ text }] } = await build({ entryPoints: [join(root, 'dist/src/server/index.js')], bundle: true, platform: 'node', format: 'cjs', write: false, logLevel: 'error' })
    const program = `${text}\nmodule.exports.listen('/ip4/127.0.0.1/tcp/0/ws', {}, () => {}).then(server => server.close()).then(() => { console.log('closed') })`
    const child = run(process.execPath, ['--input-type=commonjs', '-'], { cwd: root })
    child.child.stdin?.end(program)

    expect((await child).stdout).to.equal('closed\n')
  })

  it('runs every Node-only test file from test/node.ts', async () => {
    const entry = await readFile(join(root, 'test/node.ts'), 'utf8')
    const files = globSync('**/*.node.ts', { cwd: join(root, 'test') })

    expect(files.filter(file => !entry.includes(`'./${file}'`))).to.be.empty()
  })
})

/** From the top down; what stands side by side does not import each other. */
const layers = [
  ['cli'],
  ['index.ts'],
  ['bridge'],
  ['transport', 'duplex', 'noise', 'sp', 'tcp'],
  ['server'],
  ['channel'],
  ['address', 'connection.ts', 'listener.ts', 'redialer.ts'],
  ['backoff.ts'],
  ['errors.ts', 'constants.ts', 'ending.ts', 'node-http.ts']
]

function mayImport (file: string, target: string): boolean {
  const [from, to] = [layerOf(file), layerOf(target)]

  return from.name === to.name || from.depth < to.depth
}

function layerOf (file: string): { name: string, depth: number } {
  const name = file.split('/')[0]
  const depth = layers.findIndex(layer => layer.includes(name))
  expect(depth, `layer of src/${file}`).to.be.at.least(0)

  return { name, depth }
}

/** Imports of `src/` files, except the option types that index.ts keeps for what it assembles. */
function localImports (file: string, text: string): string[] {
  return [...text.matchAll(/^(import|export)( type)? [^'\n]*from '(\.[^']*)'/gm)]
    .map(([, , type, path]) => ({ type, target: posix.join(dirname(file), path) }))
    .filter(({ type, target }) => type == null || target !== 'index.ts')
    .map(({ target }) => target)
}

function sources (): Array<{ file: string, text: string }> {
  return globSync('**/*.ts', { cwd: join(root, 'src') })
    .map(file => ({ file, text: readFileSync(join(root, 'src', file), 'utf8') }))
}

/** Every `@default` that is a number, with the option it stands above. */
function numericDefaults (): Array<{ file: string, option: string, value: number, browsers?: number }> {
  return sources().flatMap(({ file, text }) =>
    [...text.matchAll(/@default ([\d_]+)(?:, in browsers ([\d_]+))?\n(?: +\*.*\n)*? +\*\/\n +(?:readonly )?(\w+)\?:/g)]
      .map(([, value, browsers, option]) => ({ file, option, value: number(value), browsers: browsers == null ? undefined : number(browsers) })))
}

function number (text: string): number {
  return Number(text.replaceAll('_', ''))
}

async function tsc (cwd: string, args: string[]): Promise<void> {
  const compiler = join(root, 'node_modules/typescript/bin/tsc')

  try {
    await run(process.execPath, [compiler, '--noEmit', '--strict', '--skipLibCheck', '--types', 'node', '--target', 'es2024', ...args, 'index.ts'], { cwd })
  } catch (error: any) {
    throw new Error(error.stdout, { cause: error })
  }
}
