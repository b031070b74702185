/** The command beside the program that it follows. */
import { expect } from 'aegir/chai'
import * as sp from '../../src/sp/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { until } from '../fixtures/until.ts'
import { portOf } from '../server/fixtures.ts'
import { freeUrl, needs, open, peers, tool } from '../sp/fixtures.ts'
import { file, inProcess, recorder } from './fixtures.ts'
import type { Result } from './fixtures.ts'

/** In this process; `stop` is what a signal would be. */
function command (...args: string[]): { stdout: { text: string }, stderr: { text: string }, stop (): void, result: Promise<Result> } {
  const [stdout, stderr] = [recorder(), recorder()]
  const controller = new AbortController()
  const result = inProcess(['sp', ...args], { stdout, stderr, signal: controller.signal })

  return { stdout, stderr, stop: () => { controller.abort() }, result: result.then(({ code }) => ({ code, stdout: stdout.text, stderr: stderr.text })) }
}

async function listening ({ stderr }: { stderr: { text: string } }): Promise<void> {
  await until(() => stderr.text.includes('listening on'))
}

describe('ws-transport sp', function () {
  this.timeout(10_000)

  it('answers nngcat, and is answered by it', async function () {
    needs(this, 'nngcat')
    const url = await freeUrl('/time')
    const replier = command('rep', '--bind', url, '-D', 'noon', '-Q', '--count', '1')
    await listening(replier)
    const requester = tool('nngcat', '--req', '--dial', url, '-D', 'what time is it?', '-Q')

    expect(await requester.printed(1)).to.deep.equal(['"noon"'])
    expect(await replier.result).to.deep.include({ code: 0, stdout: '"what time is it?"\n' })

    const other = await freeUrl()
    tool('nngcat', '--rep', '--listen', other, '-D', 'noon')
    const asking = command('req', '--connect', other, '--async', '-D', 'what time is it?', '--recv-timeout', '5')
    expect(await asking.result).to.deep.include({ code: 0, stdout: 'noon\n' })
  })

  it('sends a file to those who pull, and prints what it pulls in any format', async () => {
    const url = await freeUrl()
    const [message, other] = [await file('message', 'a\nb'), await file('other', 'c')]
    const puller = command('pull', '--listen', url, '--format', 'hex', '-C', '2')
    await listening(puller)

    expect(await command('push', '--dial', url, '-F', message).result).to.deep.equal({ code: 0, stdout: '', stderr: '' })
    expect((await command('push', '--dial', url, '-F', other).result).code).to.equal(0)
    expect(await puller.result).to.deep.include({ code: 0, stdout: '"\\x61\\x0a\\x62"\n"\\x63"\n' })
  })

  it('publishes again and again, to those who subscribe', async () => {
    const url = await freeUrl()
    const publisher = command('pub', '--listen', url, '-D', 'news', '-i', '0.02')
    await listening(publisher)
    const subscribers = [['--subscribe', 'new', '--subscribe', 'old'], ['--subscribe', 'old', '--recv-timeout', '0.2'], []]
      .map(topics => command('sub', '--dial', url, '--raw', '--count', '2', ...topics))

    const [all, none, any] = await Promise.all(subscribers.map(async ({ result }) => result))
    expect([all.stdout, none.stdout, any.stdout]).to.deep.equal(['newsnews', '', 'newsnews'])
    expect(none).to.deep.include({ code: 1, stderr: 'ws-transport: no message within 200 ms\n' })
    publisher.stop()
    expect((await publisher.result).code).to.equal(130)
  })

  it('asks all respondents, for as long as it is told to', async () => {
    const url = await freeUrl()
    const surveyor = command('surveyor', '--listen', url, '-D', '?', '-d', '0.2', '--recv-timeout', '0.3', '--json')
    await listening(surveyor)
    const respondents = ['yes', 'no'].map(answer => command('respondent', '--dial', url, '-D', answer, '--count', '1').result)

    expect((await Promise.all(respondents)).map(({ stdout }) => stdout)).to.deep.equal(['?\n', '?\n'])
    const { stdout } = await surveyor.result
    expect(stdout.trim().split('\n').map(line => `${Buffer.from(JSON.parse(line).message, 'base64')}`).sort()).to.deep.equal(['no', 'yes'])
  })

  for (const role of ['pair', 'pair1', 'bus']) {
    it(`exchanges messages as ${role}`, async () => {
      const url = await freeUrl()
      const listener = command(role, '--listen', url, '-D', 'ho', '-d', '0.2', '--count', '1')
      await listening(listener)
      const dialer = command(role, '--dial', url, '-D', 'hi', '--count', '1')

      expect((await Promise.all([listener.result, dialer.result])).map(({ stdout }) => stdout)).to.deep.equal(['hi\n', 'ho\n'])
    })
  }

  it('waits no longer than it is told to for a peer', async () => {
    const { code, stderr } = await command('push', '--listen', await freeUrl(), '-D', 'job', '--send-timeout', '0.05').result

    expect(code).to.equal(1)
    expect(stderr).to.include('no pipe that takes the message within 50 ms')
  })

  it('takes no message that is larger than it is told', async () => {
    const url = await freeUrl()
    const pusher = open(sp.push())
    const puller = command('pull', '--listen', url, '--recv-maxsz', '4', '--recv-timeout', '0.3')
    await listening(puller)
    await pusher.dial(url)
    await pusher.send('small')

    expect((await puller.result).stdout).to.equal('')
  })

  it('speaks TLS, and trusts whom it is told to', async () => {
    const { key, cert } = await createCertificate()
    const [keyFile, certFile] = [await file('key.pem', key), await file('cert.pem', cert)]
    const puller = command('pull', '--listen', 'wss://127.0.0.1:0', '--key', keyFile, '--cert', certFile, '--count', '2')
    await listening(puller)
    const url = `wss://127.0.0.1:${/tcp\/(\d+)/.exec(puller.stderr.text)?.[1]}`

    expect((await command('push', '--dial', url, '-D', 'one').result).code).to.equal(3)
    expect((await command('push', '--dial', url, '-D', 'one', '--cacert', certFile).result).code).to.equal(0)
    expect((await command('push', '--dial', url, '-D', 'two', '-k').result).code).to.equal(0)
    expect((await puller.result).stdout).to.equal('one\ntwo\n')
  })

  it('says where it could not connect', async () => {
    const { code, stderr } = await command('push', '--dial', await freeUrl(), '-D', 'x').result

    expect(code).to.equal(3)
    expect(stderr).to.match(/^ws-transport: Could not dial \/ip4\/127.0.0.1\/tcp\/\d+\/ws: connect failed: .*\n$/)
  })

  it('listens at several addresses, the wildcards of NNG among them', async () => {
    const [one, two] = [await freeUrl('/one'), (await freeUrl('/two')).replace('127.0.0.1', '*')]
    const puller = command('pull', '--listen', one, '--listen', two, '--count', '2')
    await until(() => puller.stderr.text.includes('http-path/two'))
    const pusher = open(sp.push())
    await pusher.dial(one)
    await pusher.dial(two.replace('*', '127.0.0.1'))
    await peers(pusher, 2)
    await pusher.send('1')
    await pusher.send('2')

    expect((await puller.result).stdout.split('\n').sort()).to.deep.equal(['', '1', '2'])
  })

  const wrong: Array<[args: string[], says: string]> = [
    [[], 'a role is missing'],
    [['pus', '--dial', 'ws://127.0.0.1:1'], 'there is no role "pus"'],
    [['constructor', '--dial', 'ws://127.0.0.1:1'], 'there is no role "constructor"'],
    [['push'], 'an address is missing'],
    [['push', '--dial', 'http://x'], 'http:'],
    [['push', '--listen', '/ip4/127.0.0.1/ws'], '/tcp is missing'],
    [['push', '--dial', 'ws://127.0.0.1:1', '--format', 'xml'], '--format takes one of'],
    [['push', '--dial', 'ws://127.0.0.1:1', '-i', 'soon'], '--interval takes a number of seconds'],
    [['push', '--dial', 'ws://127.0.0.1:1', '-F', '/nope'], '--file cannot be read: ENOENT']
  ]

  for (const [args, says] of wrong) {
    it(`exits with 2 for "${args.join(' ')}"`, async () => {
      const { code, stderr } = await command(...args).result

      expect(code).to.equal(2)
      expect(stderr).to.include(says)
    })
  }

  it('has nothing to send without data', async () => {
    const { addresses: [address] } = await open(sp.pull()).listen('ws://127.0.0.1:0')
    const { code, stderr } = await command('push', '--dial', `ws://127.0.0.1:${portOf(address)}`).result

    expect(code).to.equal(2)
    expect(stderr).to.include('give --data DATA or --file FILE')
  })
})
