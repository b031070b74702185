/** Every role of ours with the real libraries: ours listening and dialling, with each of their tools. */
import { expect } from 'aegir/chai'
import * as sp from '../../src/sp/index.ts'
import { freeUrl, needs, open, peers, text, tool, TOOLS } from './fixtures.ts'
import type { Tool } from './fixtures.ts'
import type { ProtocolName } from '../../src/sp/index.ts'
import type { SpSocket } from '../../src/sp/socket.ts'

/** Of the tool: print messages as lines; wait a second, the only fraction that both take, until there is a peer. */
const PRINT = ['-Q', '--recv-timeout', '5']
const LATER = ['-d', '1']

/** Until the tool listens. */
const RETRY = { reconnectMin: 50 }

interface Case {
  /** What the tool is started with, besides its role and address. */
  args: string[]
  socket (options: sp.SocketOptions): SpSocket
  /** Our part, when there is a peer. */
  play (socket: any): Promise<void>
  /** What the tool prints. */
  prints: string[]
}

const exchange: Omit<Case, 'socket'> = {
  args: ['-D', 'ho', ...LATER, ...PRINT],
  async play (socket) {
    await socket.send('hi')
    expect(text(await socket.receive())).to.equal('ho')
  },
  prints: ['"hi"']
}

async function answer (socket: sp.Rep | sp.Respondent): Promise<void> {
  const request = await socket.receive()
  await request.reply(`node:${text(request.body)}`)
}

const CASES: Record<ProtocolName, Case> = {
  pair: { ...exchange, socket: sp.pair },
  pair1: { ...exchange, socket: sp.pair1 },
  bus: { ...exchange, socket: sp.bus },
  pub: {
    args: ['--subscribe', 'news', ...PRINT],
    socket: sp.pub,
    async play (socket: sp.Pub) {
      await socket.send('no news')
      await socket.send('news1')
    },
    prints: ['"news1"']
  },
  sub: {
    args: ['-D', 'news1', ...LATER],
    socket: () => sp.sub({ subscriptions: ['news'], ...RETRY }),
    async play (socket: sp.Sub) {
      expect(text(await socket.receive())).to.equal('news1')
    },
    prints: []
  },
  req: {
    args: ['-D', 'world', ...PRINT],
    socket: sp.req,
    async play (socket: sp.Req) {
      expect(text(await socket.request('hello'))).to.equal('world')
    },
    prints: ['"hello"']
  },
  rep: {
    args: ['-D', 'hello', ...PRINT],
    socket: sp.rep,
    play: answer,
    prints: ['"node:hello"']
  },
  push: {
    args: PRINT,
    socket: sp.push,
    async play (socket: sp.Push) {
      await socket.send('job')
    },
    prints: ['"job"']
  },
  pull: {
    args: ['-D', 'job', ...LATER],
    socket: sp.pull,
    async play (socket: sp.Pull) {
      expect(text(await socket.receive())).to.equal('job')
    },
    prints: []
  },
  surveyor: {
    args: ['-D', 'yes', ...PRINT],
    socket: sp.surveyor,
    async play (socket: sp.Surveyor) {
      const { value } = await socket.survey('q?', { deadline: 5_000 }).next()
      expect(text(value ?? Buffer.of())).to.equal('yes')
    },
    prints: ['"q?"']
  },
  respondent: {
    args: ['-D', 'q?', ...LATER, ...PRINT],
    socket: sp.respondent,
    play: answer,
    prints: ['"node:q?"']
  }
}

for (const name of TOOLS) {
  describe(`sp with ${name}`, function () {
    this.timeout(10_000)

    before(function () {
      needs(this, name)
    })

    for (const [role, { args, socket: create, play, prints }] of Object.entries(CASES) as Array<[ProtocolName, Case]>) {
      // nanomsg has no version 1 of it
      if (role === 'pair1' && name === 'nanocat') {
        continue
      }

      for (const listening of [true, false]) {
        it(`${role}, ${listening ? 'listening' : 'dialling'}`, async () => {
          const url = await freeUrl()
          const socket = open(create(RETRY))
          const start = (how: string): Tool => tool(name, `--${toolRole(name, socket.protocol.peer)}`, how, url, ...args)
          let peer: Tool

          if (listening) {
            await socket.listen(url)
            peer = start('--connect')
          } else {
            peer = start('--bind')
            await socket.dial(url, { background: true })
          }

          await peers(socket)
          await play(socket)
          expect(await peer.printed(prints.length)).to.deep.equal(prints)
        })
      }
    }
  })
}

/** nngcat takes `--pair` for either version. */
function toolRole (name: string, role: ProtocolName): string {
  return name === 'nngcat' && role === 'pair' ? 'pair0' : role
}
