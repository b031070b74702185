import { readFile } from 'node:fs/promises'
import { expect } from 'aegir/chai'
import { inProcess, program } from './fixtures.ts'

/** What each command's help must teach. */
const OPTIONS: Record<string, string[]> = {
  bridge: ['--config FILE', '--framing FRAMING', '--protocol NAME', '--origin ORIGIN', '--auth WHO', '--token FIELD', '--allow RULE', '--log LEVEL'],
  demo: ['--size BYTES'],
  listen: ['--key FILE', '--cert FILE'],
  ping: ['--count N', '--ca FILE', '--insecure'],
  perf: ['--upload BYTES', '--download BYTES', '--ca FILE', '--insecure'],
  sp: ['--listen ADDRESS', '--dial ADDRESS', '-D, --data DATA', '-F, --file FILE', '--subscribe TOPIC', '--recv-timeout SECONDS', '-i, --interval SECONDS', '-C, --count N', '--format FORMAT'],
  websocksy: ['-p, --port PORT', '-l, --listen HOST', '-k, --ping SECONDS', '-b, --backend NAME', '-c, --option NAME=VALUE']
}

describe('run', () => {
  it('lists the commands and the exit codes in its help', async () => {
    const { code, stdout, stderr } = await inProcess(['--help'])

    expect(code).to.equal(0)
    expect(stderr).to.equal('')
    Object.keys(OPTIONS).forEach((name) => { expect(stdout).to.match(new RegExp(`^  ${name} +\\w`, 'm')) })
    ;[0, 1, 2, 3, 130].forEach((code) => { expect(stdout).to.match(new RegExp(`^  ${code} +\\w`, 'm')) })
  })

  for (const [name, options] of Object.entries(OPTIONS)) {
    it(`lists the options of ${name} in its help, with examples`, async () => {
      const { code, stdout, stderr } = await inProcess([name, '--help'])
      const [usage, examples] = stdout.split('Examples:')

      expect(code).to.equal(0)
      expect(stderr).to.equal('')
      ;[...options, '--json', '-h, --help'].forEach((option) => { expect(usage).to.contain(`\n  ${option} `) })
      expect(examples).to.contain(`ws-transport ${name}`)
    })
  }

  for (const args of [['-h'], ['help'], ['help', '--help']]) {
    it(`takes ${args.join(' ')} for --help`, async () => {
      expect(await inProcess(args)).to.deep.equal(await inProcess(['--help']))
    })
  }

  for (const args of [['ping', '-h'], ['help', 'ping'], ['--help', 'ping'], ['help', 'ping', '-h']]) {
    it(`takes ${args.join(' ')} for ping --help`, async () => {
      expect(await inProcess(args)).to.deep.equal(await inProcess(['ping', '--help']))
    })
  }

  it('prints the version of the package', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))

    expect(await inProcess(['--version'])).to.deep.equal({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it('prints its help on stderr and fails without a command', async () => {
    const { code, stdout, stderr } = await program()

    expect(code).to.equal(2)
    expect(stdout).to.equal('')
    expect(stderr).to.contain('Usage: ws-transport <command>')
  })
})

describe('run, with wrong usage', () => {
  const cases: Array<{ what: string, args: string[], says: string }> = [
    { what: 'a command with a slip', args: ['png'], says: 'there is no command "png", did you mean ping? See ws-transport --help' },
    { what: 'a command like no other', args: ['frobnicate'], says: 'there is no command "frobnicate". See ws-transport --help' },
    { what: 'help for a command with a slip', args: ['help', 'png'], says: 'there is no command "png", did you mean ping? See ws-transport --help' },
    { what: 'an option with a slip', args: ['ping', '--cout', '3'], says: 'ping has no option --cout, did you mean --count? See ws-transport ping --help' },
    { what: 'an option like no other', args: ['ping', '--frobnicate'], says: 'ping has no option --frobnicate. See ws-transport ping --help' },
    { what: 'an option without its value', args: ['ping', '--count'], says: 'argument missing. See ws-transport ping --help' },
    { what: 'an option with a value like an option', args: ['perf', '/a', '--upload', '-5'], says: "argument is ambiguous. Did you forget to specify the option argument for '--upload'? To specify an option argument starting with a dash use '--upload=-XYZ'. See ws-transport perf --help" },
    { what: 'no address', args: ['ping'], says: 'an address is missing: ws-transport ping <multiaddr> [options]' },
    { what: 'one address too many', args: ['ping', '/a', '/b'], says: '"/b" is one argument too many' },
    { what: 'no address to listen on', args: ['listen'], says: 'an address is missing' },
    { what: 'an argument for demo', args: ['demo', 'now'], says: '"now" is one argument too many' },
    { what: 'text that is no multiaddr', args: ['ping', 'localhost:80'], says: 'localhost:80' },
    { what: 'a multiaddr of an unknown protocol', args: ['ping', '/nope/1'], says: '/nope/1' },
    { what: 'a multiaddr without WebSocket', args: ['perf', '/ip4/127.0.0.1/tcp/80'], says: '/ip4/127.0.0.1/tcp/80' },
    { what: 'a port that cannot be dialled', args: ['ping', '/ip4/127.0.0.1/tcp/0/ws'], says: '/tcp/0 cannot be dialled' },
    { what: 'an address that cannot be listened on', args: ['listen', '/ip4/127.0.0.1/ws'], says: '/tcp is missing' },
    { what: 'a count that is not a number', args: ['ping', '/ip4/127.0.0.1/tcp/1/ws', '--count', 'many'], says: '--count takes a whole number from 1 on, not "many"' },
    { what: 'a count of nothing', args: ['ping', '/ip4/127.0.0.1/tcp/1/ws', '--count', '0'], says: '--count takes a whole number from 1 on, not "0"' },
    { what: 'a size that is not one', args: ['demo', '--size', 'big'], says: '--size takes a number of bytes such as 1048576, 64MiB or 1GB, not "big"' },
    { what: 'a file that is not there', args: ['ping', '/ip4/127.0.0.1/tcp/1/tls/ws', '--ca', '/nope.pem'], says: '--ca takes a PEM file with a certificate, not "/nope.pem": ENOENT' },
    { what: 'a file with no certificate', args: ['ping', '/ip4/127.0.0.1/tcp/1/tls/ws', '--ca', 'package.json'], says: '--ca takes a PEM file with a certificate, not "package.json"' },
    { what: 'a file with no private key', args: ['listen', '/ip4/127.0.0.1/tcp/0/tls/ws', '--key', 'package.json', '--cert', 'package.json'], says: '--key takes a PEM file with a private key, not "package.json"' },
    { what: 'TLS without a certificate', args: ['listen', '/ip4/127.0.0.1/tcp/0/tls/ws'], says: 'give --key FILE and --cert FILE' },
    { what: 'a certificate without its key', args: ['listen', '/ip4/127.0.0.1/tcp/0/tls/ws', '--cert', 'package.json'], says: '--key and --cert belong together' }
  ]

  for (const { what, args, says } of cases) {
    it(`says so in one line and exits with 2: ${what}`, async () => {
      const { code, stdout, stderr } = await inProcess(args)

      expect(code).to.equal(2)
      expect(stdout).to.equal('')
      expect(stderr).to.match(/^ws-transport: .*\n$/)
      expect(stderr).to.contain(says)
    })
  }

  it('exits with 2 as a program too', async () => {
    const { code, stdout, stderr } = await program('png')

    expect(code).to.equal(2)
    expect(stdout).to.equal('')
    expect(stderr).to.equal('ws-transport: there is no command "png", did you mean ping? See ws-transport --help\n')
  })
})
