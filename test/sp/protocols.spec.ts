import { expect } from 'aegir/chai'
import { acceptOffer, PROTOCOLS, subprotocol } from '../../src/sp/protocols.ts'

describe('sp protocols', () => {
  for (const [name, protocol] of Object.entries(PROTOCOLS)) {
    it(`has ${name} under its name, and as the peer of its peer`, () => {
      expect(protocol.name).to.equal(name)
      expect(PROTOCOLS[protocol.peer].peer).to.equal(name)
    })
  }

  it('has the ids of the libraries', () => {
    expect(Object.values(PROTOCOLS).map(({ id }) => id)).to.deep.equal([0x10, 0x11, 0x20, 0x21, 0x30, 0x31, 0x50, 0x51, 0x62, 0x63, 0x70])
  })

  it('names the subprotocol after the listener', () => {
    expect(subprotocol('pair')).to.equal('pair.sp.nanomsg.org')
  })

  it('accepts one offer, in any case, and echoes it as it came', () => {
    expect(acceptOffer('rep', ['rep.sp.nanomsg.org'])).to.equal('rep.sp.nanomsg.org')
    expect(acceptOffer('rep', ['REP.sp.Nanomsg.org'])).to.equal('REP.sp.Nanomsg.org')
  })

  for (const offers of [[], ['req.sp.nanomsg.org'], ['rep'], [''], ['rep.sp.nanomsg.org', 'x'], ['rep.sp.nanomsg.org.']]) {
    it(`accepts no ${JSON.stringify(offers)}`, () => {
      expect(acceptOffer('rep', offers)).to.equal(undefined)
    })
  }
})
