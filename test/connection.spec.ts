import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { expect } from 'aegir/chai'
import { pEvent } from 'p-event'
import { BoundedConnection } from '../src/connection.ts'
import { cleanUp } from './fixtures/clean-up.ts'
import { closed } from './fixtures/streams.ts'
import type { BoundedConnectionInit } from '../src/connection.ts'
import type { AbortOptions } from '@libp2p/interface'
import type { SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'

const DATA = new Uint8Array(10)

/** A connection to nowhere: the test says when there is room, and when the other end has closed. */
class TestConnection extends BoundedConnection {
  canSendMore = true
  readonly sent: number[] = []
  readonly remoteClose = Promise.withResolvers<void>()

  constructor (init: Partial<BoundedConnectionInit> = {}) {
    super({
      remoteAddr: multiaddr('/memory/test'),
      direction: 'outbound',
      log: defaultLogger().forComponent('test'),
      ...init
    })
    cleanUp(() => { this.abort(new Error('the test is over')) })
  }

  sendData (data: Uint8ArrayList): SendResult {
    this.sent.push(data.byteLength)

    return { sentBytes: data.byteLength, canSendMore: this.canSendMore }
  }

  async sendClose (options?: AbortOptions): Promise<void> {
    await this.remoteClose.promise
  }

  sendReset (): void {}
  sendPause (): void {}
  sendResume (): void {}

  drain (): void {
    this.touch()
    this.safeDispatchEvent('drain')
  }
}

/** A connection that must drain before it sends any more. */
function saturated (init?: Partial<BoundedConnectionInit>): TestConnection {
  const connection = new TestConnection(init)
  connection.canSendMore = false
  expect(connection.send(DATA)).to.equal(false)

  return connection
}

/** Whether a promise has settled, once everything that needs no timer has happened. */
async function settles (promise: Promise<unknown>): Promise<boolean> {
  const pending = new Promise<boolean>((resolve) => { setTimeout(() => { resolve(false) }) })

  return Promise.race([promise.then(() => true, () => true), pending])
}

describe('connection: onDrain()', () => {
  it('resolves at once with room for more', async () => {
    await new TestConnection().onDrain()
  })

  it('waits each time it is saturated', async () => {
    const connection = saturated()

    for (let i = 0; i < 3; i++) {
      const drained = connection.onDrain()
      expect(await settles(drained)).to.equal(false)

      connection.drain()
      await drained
      expect(connection.send(DATA)).to.equal(false)
    }
  })

  it('rejects when the connection is closed meanwhile', async () => {
    const aborted = saturated()
    const drained = aborted.onDrain()
    aborted.abort(new Error('enough'))
    await expect(drained).to.eventually.be.rejectedWith('enough')

    const ended = saturated()
    const waiting = ended.onDrain()
    ended.onTransportClosed()
    await expect(waiting).to.eventually.be.rejected.with.property('name', 'StreamClosedError')
  })

  it('rejects at once after the end', async () => {
    const aborted = saturated()
    aborted.abort(new Error('enough'))
    await expect(aborted.onDrain()).to.eventually.be.rejectedWith('enough')

    const ended = new TestConnection()
    ended.onTransportClosed()
    await expect(ended.onDrain()).to.eventually.be.rejected.with.property('name', 'StreamClosedError')
  })

  it('rejects with AbortError when the signal fires, before or meanwhile', async () => {
    const connection = saturated()
    const controller = new AbortController()
    const drained = connection.onDrain({ signal: controller.signal })
    const listeners = connection.listenerCount('drain')
    controller.abort(new Error('a reason'))

    await expect(drained).to.eventually.be.rejected.with.property('name', 'AbortError')
    await expect(connection.onDrain({ signal: controller.signal })).to.eventually.be.rejected.with.property('name', 'AbortError')
    expect(connection.listenerCount('drain')).to.equal(listeners - 1)
  })
})

describe('connection: close()', () => {
  it('resolves when the other end is closed too, for all who asked', async () => {
    const connection = new TestConnection()
    const closing = Promise.all([connection.close(), connection.close()])
    expect(await settles(closing)).to.equal(false)

    connection.remoteClose.resolve()
    await closing
    expect(connection.status).to.equal('closed')
    await connection.close()
  })

  it('sends what is queued first', async () => {
    const connection = saturated()
    connection.send(DATA)
    const closing = connection.close()
    connection.remoteClose.resolve()
    expect(await settles(closing)).to.equal(false)
    expect(connection.sent).to.deep.equal([10])

    connection.canSendMore = true
    connection.drain()
    await closing
    expect(connection.sent).to.deep.equal([10, 10])
  })

  it('aborts after closeTimeout without progress', async () => {
    for (const connection of [new TestConnection({ closeTimeout: 10 }), saturated({ closeTimeout: 10 })]) {
      const event = closed(connection)

      await expect(connection.close()).to.eventually.be.rejected.with.property('name', 'TimeoutError')
      expect(connection.status).to.equal('aborted')
      expect(await event).to.have.nested.property('error.name', 'TimeoutError')
    }
  })

  it('ends only the wait when the signal fires, before or meanwhile, of each caller', async () => {
    for (const signal of [AbortSignal.abort(), AbortSignal.timeout(5)]) {
      const connection = new TestConnection()
      const first = connection.close()

      await expect(connection.close({ signal })).to.eventually.be.rejected.with.property('name', 'AbortError')
      expect(connection.status).to.equal('closing')

      connection.remoteClose.resolve()
      await first
      expect(connection.status).to.equal('closed')
    }
  })

  it('rejects with the error of an abort that interrupts it', async () => {
    const connection = saturated()
    connection.send(DATA)
    const closing = connection.close()
    connection.abort(new Error('enough'))

    await expect(closing).to.eventually.be.rejectedWith('enough')
  })

  it('rejects with the error of a reset that interrupts it', async () => {
    const connection = saturated()
    const closing = connection.close()
    connection.onRemoteReset(new Error('broken'))

    await expect(closing).to.eventually.be.rejected.with.nested.property('cause.message', 'broken')
  })

  it('aborts with the error of the other end', async () => {
    const connection = new TestConnection()
    connection.remoteClose.reject(new Error('broken'))

    await expect(connection.close()).to.eventually.be.rejectedWith('broken')
    expect(connection.status).to.equal('aborted')
  })

  it('may take longer than closeTimeout while data is leaving', async () => {
    const connection = saturated({ closeTimeout: 50 })
    const start = performance.now()
    connection.send(DATA)
    const closing = connection.close()

    while (performance.now() < start + 100) {
      await new Promise((resolve) => { setTimeout(resolve, 10) })
      connection.drain()
    }

    expect(connection.status).to.equal('closing')
    connection.remoteClose.resolve()
    connection.canSendMore = true
    connection.drain()
    await closing
  })
})

describe('connection: reset', () => {
  it('has a cause, and comes once', async () => {
    const connection = new TestConnection()
    const errors: unknown[] = []
    const cause = new Error('broken')
    connection.addEventListener('close', ({ error }) => { errors.push(error) })
    connection.onRemoteReset(cause)
    connection.onRemoteReset(new Error('again'))
    connection.onTransportClosed()

    expect(errors).to.have.lengthOf(1)
    expect(errors[0]).to.include({ name: 'StreamResetError', cause })
    expect(connection.status).to.equal('reset')
  })

  it('does not follow a close', () => {
    const connection = new TestConnection()
    connection.onTransportClosed()
    connection.onRemoteReset()

    expect(connection.status).to.equal('closed')
  })
})

describe('connection: inactivityTimeout', () => {
  it('aborts a connection that is idle for so long', async () => {
    const connection = new TestConnection({ inactivityTimeout: 20 })
    const { error } = await closed(connection)

    expect(error).to.have.property('name', 'TimeoutError')
    expect(connection.status).to.equal('aborted')
  })

  it('counts from the last byte in either direction', async () => {
    const connection = new TestConnection({ inactivityTimeout: 50 })
    const event = closed(connection)
    const start = performance.now()
    let last = start

    for (const act of [() => connection.send(DATA), () => { connection.onData(DATA) }, () => { connection.drain() }]) {
      await new Promise((resolve) => { setTimeout(resolve, 30) })
      last = performance.now()
      act()
    }

    expect(connection.status).to.equal('open')
    await event
    expect(performance.now()).to.be.at.least(last + 48)
  })

  it('of 0 never does', async () => {
    const connection = new TestConnection({ inactivityTimeout: 0 })
    await expect(pEvent(connection, 'close', { timeout: 30 })).to.eventually.be.rejected()
    expect(connection.status).to.equal('open')
  })
})
