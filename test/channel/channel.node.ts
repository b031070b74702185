import { dial } from '../../src/channel/index.ts'
import { listen } from '../../src/server/index.ts'
import { channelSuite } from '../suites/channel.ts'
import { KINDS, OPPOSITES, pairs } from '../suites/pair.ts'

const traits = { sentCode: (code: number) => code, abortCode: 1006, pauses: true, writesAtOnce: true, readsWhileClosing: true }

for (const kind of Object.keys(KINDS)) {
  const opens = Object.fromEntries(OPPOSITES.map(opposite => [opposite, pairs({ dial, listen }, kind, opposite)]))

  channelSuite({ name: `node, ${kind}`, traits, opens })
}
