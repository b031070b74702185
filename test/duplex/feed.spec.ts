import { expect } from 'aegir/chai'
import { Feed } from '../../src/duplex/feed.ts'

const END = { done: true, value: undefined }

function create (): { feed: Feed<number>, events: Array<number | string> } {
  const events: Array<number | string> = []
  const feed = new Feed<number>({
    onTaken: (value) => { events.push(value) },
    onReturn: () => { events.push('return') }
  })

  return { feed, events }
}

async function expectEnd (feed: Feed<number>): Promise<void> {
  expect(await feed.next()).to.deep.equal(END)
}

describe('Feed', () => {
  it('gives values in order, and tells of those that had to wait', async () => {
    const { feed, events } = create()
    const first = feed.next()

    expect(feed.put(1)).to.equal(true)
    expect(feed.put(2)).to.equal(false)
    expect(feed.put(3)).to.equal(false)
    expect(events).to.deep.equal([])
    expect([await first, await feed.next(), await feed.next()].map(({ value }) => value)).to.deep.equal([1, 2, 3])
    expect(events).to.deep.equal([2, 3])
  })

  it('ends behind what waits, for every reader', async () => {
    const { feed } = create()
    feed.put(1)
    feed.end()

    expect(await feed.next()).to.have.property('value', 1)
    await expectEnd(feed)

    const other = create().feed
    const readers = [other.next(), other.next()]
    other.end()
    expect(await Promise.all(readers)).to.deep.equal([END, END])
  })

  it('throws an error behind what waits, once', async () => {
    const { feed } = create()
    feed.put(1)
    feed.end()
    feed.end(new Error('broken'))

    expect(await feed.next()).to.have.property('value', 1)
    await expect(feed.next()).to.eventually.be.rejectedWith('broken')
    await expectEnd(feed)
  })

  it('drops what waits when it fails', async () => {
    const { feed } = create()
    feed.put(1)
    feed.fail(new Error('broken'))
    feed.end()

    await expect(feed.next()).to.eventually.be.rejectedWith('broken')
    await expectEnd(feed)
  })

  it('ends for good when a reader returns, whatever it waited for', async () => {
    const { feed, events } = create()
    const waiting = feed.next()

    expect(await feed.return()).to.deep.equal(END)
    expect(await waiting).to.deep.equal(END)

    feed.end(new Error('broken'))
    await expectEnd(feed)
    expect(events).to.deep.equal(['return'])
  })

  it('drops values and error when a reader returns', async () => {
    const { feed } = create()
    feed.put(1)
    feed.end(new Error('broken'))
    await feed.return()

    await expectEnd(feed)
  })

  it('throws what a reader throws into it, and ends', async () => {
    const { feed, events } = create()
    feed.put(1)

    await expect(feed.throw(new Error('mine'))).to.eventually.be.rejectedWith('mine')
    await expectEnd(feed)
    expect(events).to.deep.equal(['return'])
  })

  it('returns when it is disposed of', async () => {
    const { feed, events } = create()
    await feed[Symbol.asyncDispose]()

    expect(events).to.deep.equal(['return'])
  })
})
