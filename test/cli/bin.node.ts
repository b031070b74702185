import { expect } from 'aegir/chai'
import { start } from './fixtures.ts'

/** A module that resolves imports by the body of a function `(specifier, context, next)`. */
function resolver (body: string): string {
  return script(`
    import { registerHooks } from 'node:module'
    registerHooks({ resolve (specifier, context, next) { ${body} } })
  `)
}

/** A module that has `url` loaded in the place of the commands. */
function stub (url: string): string {
  return resolver(`return specifier === './cli.ts' ? { url: ${JSON.stringify(url)}, shortCircuit: true } : next(specifier, context)`)
}

function script (text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`
}

describe('bin', () => {
  it('ends at the second signal where the first one does not', async () => {
    const stuck = script('export async function run (argv, { signal, stdout }) { signal.addEventListener("abort", () => { stdout.write("asked\\n") }); stdout.write("up\\n"); return new Promise(() => { setInterval(() => {}, 1_000) }) }')
    const program = start([], [stub(stuck)])

    expect(await program.line()).to.equal('up')
    program.kill('SIGINT')
    expect(await program.line()).to.equal('asked')
    program.kill('SIGTERM')

    expect((await program.result).code).to.equal(130)
  })

  it('leaves what is under way its time when the command is done', async () => {
    const quick = script('export async function run (argv, { stdout }) { setTimeout(() => { stdout.write("late\\n") }, 20); return 3 }')

    expect(await start([], [stub(quick)]).result).to.deep.equal({ code: 3, stdout: 'late\n', stderr: '' })
  })

  it('says which Node it needs where it runs on an older one', async () => {
    const old = script('Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } }); Object.defineProperty(process, "version", { value: "v20.20.2" })')

    expect(await start(['demo'], [old]).result).to.deep.equal({ code: 1, stdout: '', stderr: 'ws-transport: needs Node 22 or newer, this is v20.20.2\n' })
  })

  it('names the packages to install where one is missing', async () => {
    const missing = resolver(`
      if (specifier === '@chainsafe/libp2p-yamux') { throw Object.assign(new Error('gone'), { code: 'ERR_MODULE_NOT_FOUND' }) }
      return next(specifier, context)
    `)
    const { code, stdout, stderr } = await start(['demo'], [missing]).result

    expect(code).to.equal(1)
    expect(stdout).to.equal('')
    expect(stderr).to.equal('ws-transport: the commands need packages that are not installed here: npm install libp2p @chainsafe/libp2p-noise @chainsafe/libp2p-yamux @libp2p/echo @libp2p/identify @libp2p/ping\n')
  })

  it('gives help without those packages', async () => {
    const missing = resolver(`
      if (/^(@chainsafe\\/libp2p-|libp2p$)/.test(specifier)) { throw Object.assign(new Error('gone'), { code: 'ERR_MODULE_NOT_FOUND' }) }
      return next(specifier, context)
    `)

    expect(await start(['ping', '--help'], [missing]).result).to.have.property('code', 0)
  })
})
