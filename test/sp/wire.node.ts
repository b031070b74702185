/** What goes over the wire, and what a peer must not send: bare WebSockets against our sockets. */
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import * as sp from '../../src/sp/index.ts'
import { PROTOCOLS } from '../../src/sp/protocols.ts'
import { event, freeUrl, hex, open, text, wire } from './fixtures.ts'
import type { ProtocolName } from '../../src/sp/index.ts'
import type { SpSocket } from '../../src/sp/socket.ts'

const bytes = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex')

/** An answer that shows which request it is to. */
async function echo (socket: sp.Rep): Promise<void> {
  for await (const request of socket) {
    await request.reply(`re:${text(request.body)}`)
  }
}

describe('sp on the wire', () => {
  for (const role of ['rep', 'respondent'] as const) {
    it(`${role} gives the backtrace back as it came, up to its ttl`, async () => {
      const url = await freeUrl()
      const socket = open(sp[role]())
      await socket.listen(url)
      void echo(socket)
      const peer = await wire(url, role)

      // 1, 3, 8 and 9 words
      peer.send(bytes('80000007 61'))
      peer.send(bytes('00000007 00000008 80000001 62'))
      peer.send(bytes(`${'00000001'.repeat(7)} 80000002 63`))
      peer.send(bytes(`${'00000001'.repeat(8)} 80000003 64`))
      peer.send(bytes('80000004'))

      await peer.inbox.until(({ messages: { length } }) => length === 4)
      expect(peer.inbox.messages.map(({ data }) => hex(data))).to.deep.equal([
        '8000000772653a61', '00000007000000088000000172653a62', `${'00000001'.repeat(7)}8000000272653a63`, '8000000472653a'
      ])
    })

    it(`${role} takes another ttl`, async () => {
      const url = await freeUrl()
      const socket = open(sp[role]({ ttl: 1 }))
      await socket.listen(url)
      void echo(socket)
      const peer = await wire(url, role)

      peer.send(bytes('00000007 80000001 61'))
      peer.send(bytes('80000002 62'))

      await peer.inbox.until(({ messages: { length } }) => length > 0)
      expect(hex(peer.inbox.bytes)).to.equal('8000000272653a62')
    })
  }

  it('req sends an id with the top bit, and ignores answers to others and double ones', async () => {
    const url = await freeUrl()
    const socket = open(sp.req())
    await socket.listen(url)
    const peer = await wire(url, 'req')
    const replies = [socket.request('one'), socket.request('two')]
    const { messages } = await peer.inbox.until(({ messages: { length } }) => length === 2)
    const [one, two] = messages.map(({ data }) => Buffer.from(data.subarray(0, 4)))

    expect(messages.map(({ data }) => text(data.subarray(4)))).to.deep.equal(['one', 'two'])
    expect([one[0] & 0x80, two[0] & 0x80]).to.deep.equal([0x80, 0x80])
    expect(two.readUInt32BE()).to.equal((one.readUInt32BE() + 1 | 0x8000_0000) >>> 0)
    peer.send(bytes('00000001 aa'))
    peer.send(bytes('ffffffff aa'))
    peer.send(Buffer.concat([two, Buffer.from('TWO')]))
    peer.send(Buffer.concat([two, Buffer.from('again')]))
    peer.send(Buffer.concat([one, Buffer.from('ONE')]))

    expect((await Promise.all(replies)).map(text)).to.deep.equal(['ONE', 'TWO'])
  })

  it('pair1 sends one hop, and drops what came over too many', async () => {
    const url = await freeUrl()
    const socket = open(sp.pair1({ ttl: 3 }))
    await socket.listen(url)
    const peer = await wire(url, 'pair1')

    await socket.send('hi')
    peer.send(bytes('00000004 61'))
    peer.send(bytes('00000003 62'))

    expect(text(await socket.receive())).to.equal('b')
    await peer.inbox.until(({ messages: { length } }) => length > 0)
    expect(hex(peer.inbox.bytes)).to.equal('000000016869')
  })

  it('leaves bodies of the others as they are', async () => {
    const url = await freeUrl()
    const socket = open(sp.pair())
    await socket.listen(url)
    const peer = await wire(url, 'pair')

    await socket.send(new Uint8Array(0))
    await socket.send('é')
    await peer.inbox.until(({ messages: { length } }) => length === 2)
    expect(peer.inbox.messages.map(({ data, text }) => [hex(data), text])).to.deep.equal([['', false], ['c3a9', false]])
  })

  it('sends text where it is told to, and takes it in any case', async () => {
    const url = await freeUrl()
    const socket = open(sp.pair({ text: true }))
    await socket.listen(url)
    const peer = await wire(url, 'pair')

    await socket.send('one')
    await socket.send('two', { text: false })
    peer.send('text')
    expect(text(await socket.receive())).to.equal('text')
    await peer.inbox.until(({ messages: { length } }) => length === 2)
    expect(peer.inbox.messages.map(({ text }) => text)).to.deep.equal([true, false])
    await expect(socket.send(bytes('ff'))).to.eventually.be.rejected.with.property('name', 'InvalidParametersError')
    await expect(socket.send(bytes('ff'), { text: false })).to.eventually.be.undefined()
  })

  for (const role of ['req', 'rep', 'surveyor', 'respondent'] as const) {
    it(`${role} cannot send text, because of its header`, () => {
      expect(() => sp[role]({ text: true } as any)).to.throw().with.property('name', 'InvalidParametersError')
    })
  }

  it('cuts messages at maxFrame', async () => {
    const url = await freeUrl()
    const socket = open(sp.pair({ maxFrame: 10 }))
    await socket.listen(url)
    const peer = await wire(url, 'pair')
    await socket.send('a'.repeat(25))
    await peer.inbox.until(({ messages: { length } }) => length > 0)
    expect(text(peer.inbox.bytes)).to.equal('a'.repeat(25))
  })
})

describe('sp: what a peer must not do', () => {
  const cases: Array<[role: ProtocolName, message: string]> = [
    ['rep', '800000'], ['rep', '00000001'], ['rep', ''],
    ['respondent', '00000001 7fffffff'],
    ['req', '800000'], ['surveyor', ''],
    ['pair1', '000001'], ['pair1', '00000100 61'],
    ['pub', '61'], ['push', '61']
  ]

  for (const [role, message] of cases) {
    it(`ends with 1002, at ${role}: "${message}"`, async () => {
      const url = await freeUrl()
      const socket: SpSocket = open(sp[role]())
      await socket.listen(url)
      const peer = await wire(url, role)
      const [refused, removed] = [event(socket, 'pipe:refuse'), event(socket, 'pipe:remove')]
      peer.send(bytes(message))

      expect((await peer.closed).code).to.equal(1002)
      expect((await refused).error.name).to.be.oneOf(['InvalidMessageError', 'ProtocolError'])
      await removed
      expect(socket.pipeCount).to.equal(0)
    })
  }

  for (const role of ['pair', 'pair1'] as const) {
    it(`ends with 1000 where it is the second at ${role}, until the first is gone`, async () => {
      const url = await freeUrl()
      const socket = open(sp[role]())
      await socket.listen(url)
      const first = await wire(url, role)
      const refused = event(socket, 'pipe:refuse')
      const second = await wire(url, role)

      expect((await second.closed).code).to.equal(1000)
      expect((await refused).error).to.include({ name: 'InvalidStateError', state: 'paired' })
      first.vanish()
      await event(socket, 'pipe:remove')
      const third = await wire(url, role)
      await socket.send('hi')
      await third.inbox.until(({ size }) => size > 0)
    })
  }

  it('ends with 1009 over maxMessage', async () => {
    const url = await freeUrl()
    const socket = open(sp.pull({ maxMessage: 100 }))
    await socket.listen(url)
    const peer = await wire(url, 'pull')
    peer.send(Buffer.alloc(100))
    expect(await socket.receive()).to.have.length(100)
    peer.send(Buffer.alloc(101))

    expect((await peer.closed).code).to.equal(1009)
  })

  for (const role of Object.keys(PROTOCOLS) as ProtocolName[]) {
    it(`does no harm at ${role} with any bytes`, async function () {
      this.timeout(20_000)
      const url = await freeUrl()
      // nobody takes what is well-formed
      const socket: SpSocket = open(sp[role]({ receiveBuffer: 1_000 }))
      await socket.listen(url)

      await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 5 }), async messages => {
        const peer = await wire(url, role)
        messages.forEach(message => { peer.send(message) })
        peer.close(1000)

        expect((await peer.closed).code).to.be.oneOf([1000, 1002])
      }), { numRuns: 30 })
    })
  }
})
