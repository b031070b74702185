import { expect } from 'aegir/chai'
import { Inbox } from '../../src/sp/inbox.ts'

const rejection = async (promise: Promise<unknown>): Promise<any> => promise.then(() => undefined, error => error)

describe('sp inbox', () => {
  it('gives values in order to those who ask in order, early or late', async () => {
    const inbox = new Inbox<number>(10)
    const early = [inbox.take(), inbox.take()]
    ;[1, 2, 3, 4].forEach(value => { inbox.push(value) })

    expect(await Promise.all([...early, inbox.take(), inbox.take()])).to.deep.equal([1, 2, 3, 4])
  })

  it('is full at its limit, and never while somebody waits', async () => {
    const inbox = new Inbox<number>(1)
    expect(inbox.full).to.equal(false)
    inbox.push(1)
    expect(inbox.full).to.equal(true)
    await inbox.take()
    expect(inbox.full).to.equal(false)

    const none = new Inbox<number>(0)
    expect(none.full).to.equal(true)
    void none.take()
    expect(none.full).to.equal(false)
  })

  it('calls for more at half its limit, and when somebody waits', async () => {
    let calls = 0
    const inbox = new Inbox<number>(4, () => { calls++ })
    ;[1, 2, 3, 4].forEach(value => { inbox.push(value) })

    await inbox.take()
    expect(calls).to.equal(0)
    await inbox.take()
    expect(calls).to.equal(1)
    await inbox.take()
    await inbox.take()
    void inbox.take()
    expect(calls).to.equal(4)
  })

  it('loses no value to a wait that was given up', async () => {
    const inbox = new Inbox<number>(10)
    const controller = new AbortController()
    const [timedOut, aborted] = [rejection(inbox.take({ timeout: 10 })), rejection(inbox.take({ signal: controller.signal }))]
    controller.abort()

    expect(await aborted).to.have.property('name', 'AbortError')
    expect(await timedOut).to.have.property('name', 'TimeoutError')
    expect(await rejection(inbox.take({ signal: controller.signal }))).to.have.property('name', 'AbortError')
    inbox.push(1)
    expect(await inbox.take({ timeout: 10 })).to.equal(1)
  })

  it('tells everybody when it closes, and keeps or drops what it has', async () => {
    const error = new Error('closed')

    for (const discard of [true, false]) {
      const inbox = new Inbox<number>(10)
      inbox.push(1)
      inbox.close(error, discard)
      inbox.push(2)

      expect(discard ? await rejection(inbox.take()) : await inbox.take()).to.equal(discard ? error : 1)
      expect(await rejection(inbox.take())).to.equal(error)
    }

    const waiting = new Inbox<number>(10)
    const take = rejection(waiting.take())
    waiting.close(error, true)
    expect(await take).to.equal(error)
  })
})
