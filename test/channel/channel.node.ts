import { dial } from '../../src/channel/index.ts'
import { listen } from '../../src/server/index.ts'
import { channelSuite } from '../suites/channel.ts'
import { KINDS } from '../suites/pair.ts'

for (const kind of Object.keys(KINDS)) {
  channelSuite('node', { dial, listen }, kind)
}
