/** Every command of docs/ssh-through-the-tunnel.md, with the real sshd, ssh and nginx. */
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'aegir/chai'
import { start } from '../cli/fixtures.ts'
import { listening, startProgram } from '../fixtures/programs.ts'
import { temporaryFolder } from '../fixtures/puppeteer.ts'
import { until } from '../fixtures/until.ts'
import { freePort } from '../server/fixtures.ts'
import type { Program } from '../cli/fixtures.ts'
import type { Context } from 'mocha'

const run = promisify(execFile)
const PAGE = await readFile(new URL('../../docs/ssh-through-the-tunnel.md', import.meta.url), 'utf8')
const [KEY, EXPOSE, CONNECT] = [...PAGE.matchAll(/^ws-transport (.*)$/gm)].map(([, command]) => command)
const [, SSH = ''] = /^ssh (.*)$/m.exec(PAGE) ?? []
const [, LOCATION = ''] = /^```nginx\n([^]*?)^```$/m.exec(PAGE) ?? []

/** A machine of the page: a home of its own, and so a key of its own. */
class Machine {
  readonly #env: Record<string, string>

  constructor (folder: string) {
    this.#env = { HOME: folder, XDG_CONFIG_HOME: '' }
  }

  /** Run a command of the page, with what stands for something replaced. */
  run (command: string, values: Record<string, string> = {}): Program {
    const text = Object.entries(values).reduce((text, [name, value]) => text.replaceAll(name, value), command)

    return start(text.split(' '), [], this.#env)
  }

  async key (): Promise<string> {
    return this.run(KEY).line()
  }
}

async function startSshd (test: Context, folder: string): Promise<{ port: number, options: string[] }> {
  const port = await freePort()
  const [hostKey, userKey, known, config] = ['host', 'user', 'known_hosts', 'sshd_config'].map(name => join(folder, name))

  for (const path of [hostKey, userKey]) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path])
  }

  // the packaged sshd of Debian wants it, and the service that is not running here makes it
  if (process.getuid?.() === 0) {
    await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
  }

  await writeFile(known, `example.com ${await readFile(`${hostKey}.pub`, 'utf8')}`)
  await writeFile(config, [
    `ListenAddress 127.0.0.1:${port}`, `HostKey ${hostKey}`, `AuthorizedKeysFile ${userKey}.pub`, `PidFile ${folder}/sshd.pid`,
    'StrictModes no', 'UsePAM no', 'PasswordAuthentication no', 'PermitRootLogin yes', ''
  ].join('\n'))
  startProgram(test, 'openssh-server', ['/usr/sbin/sshd', '-D', '-f', config])
  await listening(port)

  return { port, options: ['-F', 'none', '-o', 'BatchMode=yes', '-o', `UserKnownHostsFile=${known}`, '-i', userKey, '-l', userInfo().username] }
}

async function startNginx (test: Context, folder: string, exposed: number): Promise<number> {
  const port = await freePort()
  const config = join(folder, 'nginx.conf')

  await writeFile(config, `
    daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
    events {}
    http {
      access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
      server { listen 127.0.0.1:${port}; ${LOCATION.replace(':8080', `:${exposed}`)} }
    }`)
  startProgram(test, 'nginx', ['nginx', '-c', config, '-p', folder, '-e', join(folder, 'error.log')])
  await listening(port)

  return port
}

describe('docs/ssh-through-the-tunnel.md', function () {
  this.timeout(60_000)

  it('works as it is written, with the real sshd behind the real nginx', async function () {
    const [serverFolder, laptopFolder, strangerFolder] = [await temporaryFolder(), await temporaryFolder(), await temporaryFolder()]
    const [server, laptop, stranger] = [serverFolder, laptopFolder, strangerFolder].map(folder => new Machine(folder))
    const [SERVER, LAPTOP] = [await server.key(), await laptop.key()]
    const sshd = await startSshd(this, serverFolder)
    const exposing = server.run(EXPOSE, { ':22': `:${sshd.port}`, 'tcp/8080': 'tcp/0', LAPTOP })
    const [, exposed] = /\/tcp\/(\d+)\//.exec(await exposing.line()) ?? []
    const nginx = await startNginx(this, serverFolder, Number(exposed))
    const address = { '/dns4/example.com/tcp/80/': `/ip4/127.0.0.1/tcp/${nginx}/`, ':2222': ':0' }

    const connecting = laptop.run(CONNECT, { ...address, SERVER })
    const [, local] = /\/tcp\/(\d+)$/.exec(await connecting.line()) ?? []
    const ssh = async (...more: string[]): Promise<{ stdout: string }> => run('ssh', [...sshd.options, ...SSH.replace('2222', local).split(' '), ...more])
    expect((await ssh()).stdout.trim()).to.equal(hostname())

    // many sessions at once, and more than a window
    const sizes = await Promise.all([1, 2, 3].map(async () => (await ssh(';', 'head', '-c', '2000000', '/dev/zero', '|', 'wc', '-c')).stdout))
    sizes.forEach(size => { expect(size).to.contain('2000000') })

    // somebody with another key; and the laptop, where somebody else answers
    const refused = await stranger.run(KEY).result.then(async () => stranger.run(CONNECT, { ...address, SERVER }).result)
    expect(refused.code).to.equal(3)
    expect(refused.stderr).to.contain('has refused us')
    await until(() => exposing.stderr.includes('it is not allowed'))
    const misled = await laptop.run(CONNECT, { ...address, SERVER: LAPTOP.replace(/.$/, LAPTOP.endsWith('a') ? 'b' : 'a') }).result
    expect(misled.code).to.not.equal(0)

    for (const program of [exposing, connecting]) {
      program.kill('SIGTERM')
      expect((await program.result).code).to.equal(0)
    }
  })
})
