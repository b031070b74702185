import { channelSuite } from '../suites/channel.ts'
import { engines } from './engines.ts'
import { remotePairs } from './remote.ts'

const FAR_ENDS = ['our server', 'ws server']

for (const { name, dial, traits } of engines) {
  channelSuite({ name, traits, opens: Object.fromEntries(FAR_ENDS.map(kind => [kind, remotePairs(dial, kind)])) })
}
