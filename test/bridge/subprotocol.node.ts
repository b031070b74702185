import { expect } from 'aegir/chai'
import { chooseSubprotocol } from '../../src/bridge/subprotocol.ts'

describe('bridge subprotocols', () => {
  it('a name must be offered, as it is spelled', () => {
    expect(chooseSubprotocol('mqtt', ['x', 'mqtt'])).to.equal('mqtt')
    expect(chooseSubprotocol('mqtt', ['MQTT'])).to.equal(false)
    expect(chooseSubprotocol('mqtt', ['x'])).to.equal(false)
    expect(chooseSubprotocol('mqtt', [])).to.equal(false)
  })

  it('of several names the first that is offered is taken', () => {
    expect(chooseSubprotocol(['binary', 'base64'], ['base64', 'binary'])).to.equal('binary')
    expect(chooseSubprotocol(['binary', 'base64'], ['base64'])).to.equal('base64')
    expect(chooseSubprotocol(['binary', 'base64'], [])).to.equal(false)
    expect(chooseSubprotocol([], ['base64'])).to.equal(false)
  })

  it('* takes the first offer, and none where there is none', () => {
    expect(chooseSubprotocol('*', ['b', 'a'])).to.equal('b')
    expect(chooseSubprotocol('*', [])).to.equal('')
  })

  it('none is none', () => {
    expect(chooseSubprotocol('', ['a'])).to.equal('')
    expect(chooseSubprotocol('', [])).to.equal('')
  })

  it('lenient is what websocksy does', () => {
    const choose = (rule: string, offers: string[]): string | false => chooseSubprotocol(rule, offers, { lenient: true })

    expect(choose('', ['a'])).to.equal('')
    expect(choose('*', ['b', 'a'])).to.equal('b')
    expect(choose('mqtt', ['x', 'MqTT'])).to.equal('MqTT')
    expect(choose('mqtt', ['x'])).to.equal('')
    expect(choose('mqtt', [])).to.equal('')
  })
})
