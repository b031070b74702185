import { createPrivateKey, X509Certificate } from 'node:crypto'
import { formatAddress } from '../address/index.ts'
import { listenArguments, pemOption, UsageError } from './command.ts'
import { startNode } from './node.ts'
import { servePerf } from './perf.ts'
import { serve } from './serve.ts'
import type { Arguments, Command } from './command.ts'

export const listen: Command = {
  name: 'listen',
  summary: 'run a libp2p node that answers ping, echo and perf, until a signal stops it',
  usage: '<multiaddr...> [options]',
  positionals: [1, Infinity],
  options: {
    key: { type: 'string', value: 'FILE', description: 'private key in PEM, for addresses with /tls/ws' },
    cert: { type: 'string', value: 'FILE', description: 'certificate in PEM, for addresses with /tls/ws' }
  },
  examples: [
    { what: 'on any free port of this machine; the address to give to others is printed', command: 'listen /ip4/127.0.0.1/tcp/0/ws' },
    { what: 'on all interfaces, IPv4 and IPv6', command: 'listen /ip4/0.0.0.0/tcp/8080/ws /ip6/::/tcp/8080/ws' },
    { what: 'with TLS, as browsers need it', command: 'listen /ip4/0.0.0.0/tcp/8443/tls/ws --key key.pem --cert cert.pem' }
  ],

  async run (args, io, out) {
    const addresses = listenArguments(args)
    const certificate = await certificateOptions(args)

    if (certificate == null && addresses.some(({ tls }) => tls)) {
      throw new UsageError('a /tls/ws address needs a certificate: give --key FILE and --cert FILE')
    }

    const node = await startNode({
      listen: addresses.map(formatAddress),
      certificate,
      onSkipped: (reason) => { out.talk(`${reason}; going on without it`) }
    })
    await servePerf(node)

    await serve(io, out, 'listening', { peer: `${node.peerId}`, addresses: node.getMultiaddrs().map(String) })
    await node.stop()
  }
}

async function certificateOptions (args: Arguments): Promise<{ key: string, cert: string } | undefined> {
  if ((args.values.key == null) !== (args.values.cert == null)) {
    throw new UsageError('--key and --cert belong together: give both')
  }

  const key = await pemOption(args, 'key', 'private key')
  const cert = await pemOption(args, 'cert', 'certificate')

  if (key == null || cert == null) {
    return undefined
  }

  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    throw new UsageError(`the certificate in --cert "${args.values.cert}" is not that of the key in --key "${args.values.key}"`)
  }

  return { key, cert }
}
