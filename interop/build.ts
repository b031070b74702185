/**
 * Builds the peers that this machine has a toolchain for. What was built is kept outside the clone, under a name made of
 * its sources and lock files.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rename } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ws-transport-interop')
const BUILD_TIMEOUT = 1_800_000
const ROOT = fileURLToPath(new URL('../', import.meta.url))

export interface Program {
  /** The library and its version. */
  name: string
  command: string
  args: string[]
}

export interface Language {
  name: string
  /** What must be installed to build it. */
  tool: string
  build (): Promise<Program>
}

export const LANGUAGES: Language[] = [
  { name: 'go', tool: 'go', build: buildGo },
  { name: 'rust', tool: 'cargo', build: buildRust },
  { name: 'python', tool: 'python3', build: buildPython },
  { name: 'js', tool: 'npm', build: async () => javaScript('@libp2p/websockets') }
]

/** Ours, as a process of its own. */
export async function ourProgram (): Promise<Program> {
  return javaScript('ws-transport')
}

async function javaScript (transport: string): Promise<Program> {
  const { version } = transport === 'ws-transport'
    ? JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
    : JSON.parse(await readFile(join(ROOT, 'node_modules', transport, 'package.json'), 'utf8'))

  return {
    name: `${transport} ${version}`,
    command: process.execPath,
    args: ['--no-warnings', join(import.meta.dirname, 'js/peer.ts'), '--transport', transport]
  }
}

async function buildGo (): Promise<Program> {
  const folder = join(import.meta.dirname, 'go')
  const program = await once(folder, async (built) => run('go', ['build', '-o', built, '.'], folder))

  return { name: `go-libp2p ${await find(join(folder, 'go.mod'), /go-libp2p (v\S+)/)}`, command: program, args: [] }
}

async function buildRust (): Promise<Program> {
  const folder = join(import.meta.dirname, 'rust')
  const program = await once(folder, async (built) => {
    const target = join(CACHE, 'rust-target')

    await run('cargo', ['build', '--release', '--locked', '--target-dir', target], folder)
    await cp(join(target, 'release/interop-peer'), built)
  })

  return { name: `rust-libp2p ${await find(join(folder, 'Cargo.lock'), /name = "libp2p"\nversion = "(.+)"/)}`, command: program, args: [] }
}

async function buildPython (): Promise<Program> {
  const folder = join(import.meta.dirname, 'python')
  const environment = await once(folder, async (built) => {
    await run('python3', ['-m', 'venv', built])
    await run(join(built, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', 'requirements.txt'], folder)
  })

  return {
    name: `py-libp2p ${await find(join(folder, 'requirements.txt'), /^libp2p==(.+)$/m)}`,
    command: join(environment, 'bin/python'),
    args: [join(folder, 'peer.py')]
  }
}

/** @returns where `build` put what it was to make, now or in an earlier run */
async function once (folder: string, build: (built: string) => Promise<unknown>): Promise<string> {
  const hash = createHash('sha256')

  for (const file of (await readdir(folder, { recursive: true })).toSorted()) {
    if (/\.(go|mod|sum|rs|toml|lock|txt)$/.test(file)) {
      hash.update(file).update(await readFile(join(folder, file)))
    }
  }

  const built = join(CACHE, `${folder.split('/').at(-1)}-${hash.digest('hex').slice(0, 16)}`)

  if (!existsSync(built)) {
    await mkdir(CACHE, { recursive: true })
    await build(`${built}.new`)
    await rename(`${built}.new`, built)
  }

  return built
}

async function find (file: string, pattern: RegExp): Promise<string> {
  return pattern.exec(await readFile(file, 'utf8'))?.[1] ?? 'of no known version'
}

/** @throws {Error} the program failed: with what it wrote */
async function run (command: string, args: string[], cwd?: string): Promise<void> {
  await promisify(execFile)(command, args, { cwd, timeout: BUILD_TIMEOUT, maxBuffer: 64 * 1_048_576 })
}
