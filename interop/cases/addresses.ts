/** Every kind of address, in whatever way it is spelled: who is there, a ping, an echo of each side's, a clean end. */
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { echo } from '../js/protocols.ts'
import { meet, SERVER_NAME } from '../meeting.ts'
import { note } from '../report.ts'
import type { Pairing, Way } from '../meeting.ts'

const MIB = 1_048_576

const IP4 = '/ip4/127.0.0.1/tcp/0'
const IP6 = '/ip6/::1/tcp/0'

const WAYS: Record<string, Way> = {
  '`/ip4/../ws`': way(`${IP4}/ws`),
  '`/ip6/../ws`': way(`${IP6}/ws`),
  '`/dns4/../ws`': way(`${IP4}/ws`, ['/ip4/127.0.0.1/', '/dns4/localhost/']),
  '`/ip4/../tls/ws`': way(`${IP4}/tls/ws`),
  '`/ip6/../tls/ws`': way(`${IP6}/tls/ws`),
  '`/dns4/../tls/ws`': way(`${IP4}/tls/ws`, ['/ip4/127.0.0.1/', '/dns4/localhost/']),
  '`/ip4/../wss`': way(`${IP4}/wss`, ['/tls/ws/', '/wss/']),
  '`/ip4/../tls/sni/N/ws`': way(`${IP4}/tls/ws`, ['/tls/ws/', `/tls/sni/${SERVER_NAME}/ws/`])
}

/** `refused`: what the peer cannot dial, and what it says of it: the day it can, the case fails */
export function addresses (pairing: Pairing, refused: Record<string, RegExp> = {}): void {
  for (const [name, way] of Object.entries(WAYS)) {
    it(name, async function () {
      if (refused[name] != null) {
        await expect(meet(pairing, way)).to.eventually.be.rejected.with.property('message').that.matches(refused[name])
        note(this, 'the peer refuses')
        return
      }

      const { node, peer, connection, dialler } = await meet(pairing, way)

      expect(await node.services.ping.ping(connection.remotePeer)).to.be.at.least(0)
      await dialler.echo(MIB)
      await echo(connection, MIB)

      const closed = pEvent(connection, 'close')
      await peer.ask('close')
      await closed
    })
  }
}

function way (listen: string, [from, to]: [string, string] = ['', '']): Way {
  return { listen, dial: (address) => address.replace(from, to) }
}
