/** Every role of ours with the real libraries: ours listening and dialling, with each of their tools. */
import { expect } from 'aegir/chai'
import * as sp from '../../src/sp/index.ts'
import { CASES } from './cases.ts'
import { freeUrl, needs, open, peers, tool, toolRole, TOOLS } from './fixtures.ts'
import type { Tool } from './fixtures.ts'
import type { ProtocolName } from '../../src/sp/index.ts'
import type { SpSocket } from '../../src/sp/socket.ts'

for (const name of TOOLS) {
  describe(`sp with ${name}`, function () {
    this.timeout(10_000)

    before(function () {
      needs(this, name)
    })

    for (const role of Object.keys(CASES) as ProtocolName[]) {
      // nanomsg has no version 1 of it
      if (role === 'pair1' && name === 'nanocat') {
        continue
      }

      for (const listening of [true, false]) {
        it(`${role}, ${listening ? 'listening' : 'dialling'}`, async () => {
          const { args, play, receives, prints, options } = CASES[role]
          const url = await freeUrl()
          // it is dialled until it listens
          const socket: SpSocket = open(sp[role]({ reconnectMin: 50, ...options }))
          const start = (how: string): Tool => tool(name, toolRole(name, socket.protocol.peer), how, url, ...args)
          let peer: Tool

          if (listening) {
            await socket.listen(url)
            peer = start('--connect')
          } else {
            peer = start('--bind')
            await socket.dial(url, { background: true })
          }

          await peers(socket)
          expect(await play(socket)).to.equal(receives)
          expect(await peer.printed(prints.length)).to.deep.equal(prints)
        })
      }
    }
  })
}
