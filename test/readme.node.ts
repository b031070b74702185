/**
 * Keeps README.md true: its programs run against the built package and print what they say, its tables say what
 * the source and package.json say. Needs `npm run build` first.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'aegir/chai'
import { FRAMING_EXAMPLES } from '../src/bridge/framings/parse.ts'
import { framings, resolvers } from '../src/bridge/index.ts'
import { KINDS } from '../src/cli/bridge-config.ts'
import { CloseCode } from '../src/constants.ts'
import { PROTOCOLS } from '../src/sp/protocols.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const spPage = readFileSync(join(root, 'docs/sp.md'), 'utf8')
const diallingPage = readFileSync(join(root, 'docs/dialling.md'), 'utf8')
const serverPage = readFileSync(join(root, 'docs/server.md'), 'utf8')
const tunnelPage = readFileSync(join(root, 'docs/tunnel.md'), 'utf8')
const bridgePage = readFileSync(join(root, 'docs/bridge.md'), 'utf8')
const proxyPage = readFileSync(join(root, 'docs/behind-a-proxy.md'), 'utf8')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

describe('README and docs: examples', () => {
  let folder: string

  before(async () => {
    // inside the package, so that they import it by its name
    folder = await mkdtemp(join(root, 'dist/readme-'))
  })

  after(async () => {
    await rm(folder, { recursive: true })
  })

  examples([readme, spPage, bridgePage, tunnelPage, serverPage, proxyPage, diallingPage].join('\n')).forEach(({ title, code }) => {
    it(`${title}: runs, and prints what it says`, async function () {
      this.timeout(30_000)

      const file = join(folder, `${title.replaceAll(/\W+/g, '-')}.ts`)
      await writeFile(file, code)
      const { stdout } = await run(process.execPath, [file], { timeout: 20_000 })

      expect(stdout).to.equal(expectedOutput(code))
    })
  })
})

describe('README options', () => {
  const serving: Array<[string, string]> = [['server/attached-server.ts', 'AttachOptions'], ['server/certificates.ts', 'CertificateOptions'], ['server/respond.ts', 'RespondOptions'], ['server/bind.ts', 'BindOptions'], ['server/admission.ts', 'AdmissionOptions'], ['server/clients.ts', 'ClientOptions']]

  const commonDialling: [string, string] = ['channel/dialling/options.ts', 'CommonDialOptions']

  /** The interfaces behind each table, by its heading. */
  const documented: Record<string, Array<[file: string, name: string]>> = {
    'webSockets(init)': [['index.ts', 'WebSocketsInit'], commonDialling, ...serving],
    'dial(address, options) and listen(address, options, onChannel)': [['channel/channel.ts', 'ChannelOptions']],
    'dial only': [['channel/dialling/options.ts', 'DialOptions'], commonDialling],
    'listen only': [['server/listen.ts', 'ListenOptions'], ['server/http-server.ts', 'HttpServerOptions'], ['server/http-server.ts', 'ServerEvents'], ...serving],
    'duplex(channel, options)': [['duplex/channel-to-duplex.ts', 'DuplexOptions']],
    'duplexToConnection(duplex, init)': [['duplex/duplex-to-connection.ts', 'DuplexConnectionInit'], ['connection.ts', 'BoundedConnectionInit']]
  }

  for (const [heading, interfaces] of Object.entries(documented)) {
    it(`${heading}: names every option with its default`, () => {
      const options = interfaces.flatMap(([file, name]) => optionsOf(file, name))
      const rows = tableUnder(heading).map(([name, , , value]) => ({ name: code(name), value: code(value) }))

      expect(rows).to.have.deep.members(options)
    })
  }
})

describe('docs/sp.md', () => {
  const columns = (heading: string, name: number, value: number): Array<{ name: string, value: string }> =>
    tableUnder(heading, spPage).map(cells => ({ name: code(cells[name]), value: code(cells[value]) }))

  it('names every option of all sockets with its default', () => {
    expect(columns('All sockets', 0, 2)).to.have.deep.members(optionsOf('sp/options.ts', 'SocketOptions'))
  })

  it('names every option of some sockets with its default', () => {
    const options = [['options', 'BestEffortOptions'], ['options', 'BufferedOptions'], ['sub', 'SubOptions'], ['req', 'ReqOptions'], ['surveyor', 'SurveyorOptions'], ['rep', 'ReplierOptions'], ['pair1', 'Pair1Options']]
      .flatMap(([file, name]) => optionsOf(`sp/${file}.ts`, name))
    const rows = columns('Some sockets', 0, 3).map(({ name, value }) => ({ name: name.split(',')[0], value: value === 'none' ? '[]' : value }))

    // the ttl of three sockets is one row
    expect(rows.map(row => JSON.stringify(row))).to.have.members([...new Set(options.map(option => JSON.stringify(option)))])
  })

  it('names every role', () => {
    const roles = tableUnder('The protocols', spPage).flatMap(([name]) => code(name).split(', '))

    expect(roles).to.have.members(Object.keys(PROTOCOLS))
  })
})

describe('docs/bridge.md', () => {
  it('names every framing, as text and as function', () => {
    const rows = tableUnder('Framings', bridgePage)

    expect(rows.map(([text]) => code(text))).to.have.members(FRAMING_EXAMPLES)
    expect(rows.map(([, name]) => code(name).replace(/\(.*/, ''))).to.have.members(Object.keys(framings).filter(name => name !== 'parse'))
  })

  it('names every resolver', () => {
    expect(tableUnder('Resolvers', bridgePage).map(([name]) => code(name).replace(/\(.*/, ''))).to.have.members(Object.keys(resolvers))
  })

  it('names everything that a configuration may hold', () => {
    const [, section] = bridgePage.split('## Configuration')
    const names = [...section.matchAll(/`(\w+)`/g)].map(([, name]) => name)

    expect(names).to.include.members(Object.keys(KINDS))
  })
})

describe('README tables', () => {
  it('justify every dependency, and no other', () => {
    const dependencies = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.optionalDependencies)]

    expect(tableUnder('Dependencies').map(([name]) => code(name))).to.have.members(dependencies)
  })

  it('name every error class of ours', () => {
    const source = readFileSync(join(root, 'src/errors.ts'), 'utf8')
    const names = [...source.matchAll(/static name = '(\w+)'/g)].map(([, name]) => name)

    expect(tableUnder('Errors').map(([name]) => code(name))).to.include.members(names)
  })

  it('explain every close code', () => {
    const codes = tableUnder('Close codes').map(([code]) => Number(code))

    expect(codes).to.include.members(Object.values(CloseCode))
  })
})

/** Each `typescript` fence, by the heading above it. */
function examples (page: string): Array<{ title: string, code: string }> {
  return page.split(/^#+ /m).flatMap(section =>
    [...section.matchAll(/```typescript\n(.*?)```/gs)].map(([, code]) => ({ title: section.split('\n')[0], code })))
}

/** What the `// -> ...` comments say. */
function expectedOutput (code: string): string {
  return [...code.matchAll(/\/\/ -> (.*)$/gm)].map(([, line]) => `${line}\n`).join('')
}

/** The cells of the tables under a heading, without their heads. */
function tableUnder (heading: string, page: string = readme): string[][] {
  const section = page.split(/^#+ /m).find(section => section.split('\n')[0].replaceAll('`', '') === heading)
  expect(section, `section "${heading}"`).to.be.a('string')

  return (section ?? '').split('\n')
    .filter(line => line.startsWith('|'))
    .map(line => line.split(/(?<!\\)\|/).slice(1, -1).map(cell => cell.trim()))
    .filter((_, index, lines) => !isRule(lines[index]) && !isRule(lines[index + 1]))
}

/** The line below a table's head. */
function isRule (cells: string[] = []): boolean {
  return cells.length > 0 && cells.every(cell => /^-+$/.test(cell))
}

/** A cell without its back quotes. */
function code (cell: string): string {
  return cell.replaceAll('`', '')
}

/** The optional members of an interface, with their `@default`. */
function optionsOf (file: string, name: string): Array<{ name: string, value: string }> {
  const source = readFileSync(join(root, 'src', file), 'utf8')
  const body = source.split(`export interface ${name} `)[1].split('\n}\n')[0]

  return [...body.matchAll(/(?:\/\*\*((?:(?!\*\/).)*)\*\/\s+)?^ {2}(\w+)\?[:(]/gms)]
    .map(([, comment = '', name]) => ({ name, value: code(comment.match(/@default (.*)/)?.[1].trim() ?? '') }))
}
