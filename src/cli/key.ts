import { join } from 'node:path'
import { createKey, readKey } from '../bridge/tunnel/index.ts'
import { UsageError } from './command.ts'
import type { Command } from './command.ts'
import type { IO } from './output.ts'
import type { PrivateKey } from '@libp2p/interface'

export const key: Command = {
  name: 'key',
  summary: 'show the peer id that a private key proves, and make the key where there is none',
  usage: '[file] [options]',
  positionals: [0, 1],
  options: {},
  examples: [
    { what: 'the peer id of this user, for those who have to allow it', command: 'key' },
    { what: 'that of a service', command: 'key /etc/ws-transport/key' }
  ],

  async run ({ positionals: [file] }, { env }, out) {
    const path = file ?? defaultKeyPath(env)
    const { key, made } = await keyOf(path)
    const peer = `${key.publicKey}`

    out.talk(`${made ? 'made' : 'read'} ${path}`)
    out.line(peer)
    out.json({ peer, file: path, made })
  }
}

/** Where the key of the user is. */
export function defaultKeyPath (env: IO['env']): string {
  const { XDG_CONFIG_HOME: config, HOME: home } = env

  if ((config ?? '') !== '') {
    return join(String(config), 'ws-transport', 'key')
  }

  if ((home ?? '') !== '') {
    return join(String(home), '.config', 'ws-transport', 'key')
  }

  throw new UsageError('neither XDG_CONFIG_HOME nor HOME says where the key is: give a file')
}

async function keyOf (path: string): Promise<{ key: PrivateKey, made: boolean }> {
  try {
    return { key: await readKey(path), made: false }
  } catch (err: any) {
    if (err.cause?.code !== 'ENOENT') {
      throw err.name === 'InvalidParametersError' ? new UsageError(err.message, err) : err
    }
  }

  return { key: await createKey(path), made: true }
}
