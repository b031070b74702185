/** A few words of each role with a peer, for any runtime: `play` uses nothing from outside, so that it can be sent to a page. */
import type { ProtocolName } from '../../src/sp/index.ts'

export interface Case {
  /** What a tool in the role of the peer is started with. */
  args: string[]
  /** Our part, when there is a peer; returns what it sent. */
  play (socket: any): Promise<string | undefined>
  /** What that is. */
  receives?: string
  /** What the tool prints. */
  prints: string[]
  options?: object
}

/** Of a tool: print messages as lines; wait a second, the only fraction that both take, until there is a peer. */
const PRINT = ['-Q', '--recv-timeout', '5']
const LATER = ['-d', '1']

const exchange: Case = {
  args: ['-D', 'hi', ...LATER, ...PRINT],
  async play (socket) {
    await socket.send('hi')
    return new TextDecoder().decode(await socket.receive())
  },
  receives: 'hi',
  prints: ['"hi"']
}

const receive: Pick<Case, 'play'> = {
  async play (socket) {
    return new TextDecoder().decode(await socket.receive())
  }
}

const answer: Pick<Case, 'play'> = {
  async play (socket) {
    const request = await socket.receive()
    await request.reply('an answer')
    return new TextDecoder().decode(request.body)
  }
}

export const CASES: Record<ProtocolName, Case> = {
  pair: exchange,
  pair1: exchange,
  bus: exchange,
  pub: {
    args: ['--subscribe', 'news', ...PRINT],
    async play (socket) {
      await socket.send('no news')
      await socket.send('news1')
      return undefined
    },
    prints: ['"news1"']
  },
  sub: { ...receive, args: ['-D', 'news1', ...LATER], receives: 'news1', prints: [], options: { subscriptions: ['news'] } },
  req: {
    args: ['-D', 'an answer', ...PRINT],
    async play (socket) {
      return new TextDecoder().decode(await socket.request('a question'))
    },
    receives: 'an answer',
    prints: ['"a question"']
  },
  rep: { ...answer, args: ['-D', 'a question', ...PRINT], receives: 'a question', prints: ['"an answer"'] },
  push: {
    args: PRINT,
    async play (socket) {
      await socket.send('job')
      return undefined
    },
    prints: ['"job"']
  },
  pull: { ...receive, args: ['-D', 'job', ...LATER], receives: 'job', prints: [] },
  surveyor: {
    args: ['-D', 'an answer', ...PRINT],
    async play (socket) {
      const { value } = await socket.survey('a question', { deadline: 5_000 }).next()
      return new TextDecoder().decode(value)
    },
    receives: 'an answer',
    prints: ['"a question"']
  },
  respondent: { ...answer, args: ['-D', 'a question', ...LATER, ...PRINT], receives: 'a question', prints: ['"an answer"'] }
}
