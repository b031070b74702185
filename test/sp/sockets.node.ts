/** What each protocol promises, and each option changes, between sockets of ours. */
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'aegir/chai'
import * as sp from '../../src/sp/index.ts'
import { createCertificate } from '../fixtures/certificate.ts'
import { until } from '../fixtures/until.ts'
import { freePort, rejection, socketPath } from '../server/fixtures.ts'
import { connect, event, freeUrl, hex, open, peers, text, wire } from './fixtures.ts'

/** As many of its messages as are there. */
async function drain (socket: { receive (options: sp.WaitOptions): Promise<Uint8Array> }): Promise<string[]> {
  const messages: string[] = []

  for (;;) {
    try {
      messages.push(text(await socket.receive({ timeout: 50 })))
    } catch {
      return messages
    }
  }
}

describe('sp push and pull', () => {
  it('gives each message to one of the pullers, in turns', async () => {
    const pusher = open(sp.push())
    const { addresses: [address] } = await pusher.listen('ws://127.0.0.1:0')
    const pullers = [open(sp.pull()), open(sp.pull()), open(sp.pull())]
    await Promise.all(pullers.map(async puller => puller.dial(address)))
    await peers(pusher, 3)

    for (let i = 0; i < 9; i++) {
      await pusher.send(`${i}`)
    }

    const received = await Promise.all(pullers.map(drain))
    expect(received.map(({ length }) => length)).to.deep.equal([3, 3, 3])
    expect(received.flat().sort()).to.deep.equal(['0', '1', '2', '3', '4', '5', '6', '7', '8'])
  })

  it('waits for a puller, as long as it is told to', async () => {
    const pusher = open(sp.push({ sendTimeout: 20 }))
    const { addresses: [address] } = await pusher.listen('ws://127.0.0.1:0')
    const controller = new AbortController()
    const aborted = rejection(pusher.send('aborted', { signal: controller.signal, timeout: Infinity }))
    const sent = pusher.send('sent', { timeout: 5_000 })
    controller.abort()

    expect(await rejection(pusher.send('late'))).to.have.property('name', 'TimeoutError')
    expect(await aborted).to.have.property('name', 'AbortError')
    expect(await rejection(pusher.send('too late', { signal: controller.signal }))).to.have.property('name', 'AbortError')

    const puller = open(sp.pull())
    await puller.dial(address)
    await sent
    expect(await drain(puller)).to.deep.equal(['sent'])
  })

  it('lets sendBuffer messages go ahead of their puller', async () => {
    const pusher = open(sp.push({ sendBuffer: 2 }))
    const { addresses: [address] } = await pusher.listen('ws://127.0.0.1:0')
    await pusher.send('1')
    await pusher.send('2')
    expect(await rejection(pusher.send('3', { timeout: 20 }))).to.have.property('name', 'TimeoutError')
    const fourth = pusher.send('4')

    const puller = open(sp.pull())
    await puller.dial(address)
    await fourth
    expect(await drain(puller)).to.deep.equal(['1', '2', '4'])
  })

  it('slows the pusher down where nobody pulls, and loses nothing', async () => {
    const { listener: puller, dialer: pusher } = await connect(sp.pull({ receiveBuffer: 4 }), sp.push())
    const message = new Uint8Array(65_536)
    let sent = 0

    while (await pusher.send(message, { timeout: 100 }).then(() => true, () => false)) {
      sent++
    }

    // 4 MiB of socket buffers at most, and what is held at both ends
    expect(sent).to.be.within(4, 200)
    void pusher.send('the end')

    for (let i = 0; i < sent; i++) {
      expect(await puller.receive()).to.have.length(65_536)
    }

    expect(text(await puller.receive())).to.equal('the end')
  })

  it('takes from all pushers in turns, also where one floods', async () => {
    const puller = open(sp.pull({ receiveBuffer: 4 }))
    const { addresses: [address] } = await puller.listen('ws://127.0.0.1:0')
    const [loud, quiet] = [open(sp.push()), open(sp.push())]
    await Promise.all([loud.dial(address), quiet.dial(address)])
    await peers(puller, 2)
    const flood = (async () => { for (;;) { await loud.send(new Uint8Array(65_536)) } })()
    flood.catch(() => {})

    for (let i = 0; i < 10; i++) {
      await quiet.send('quiet')
    }

    for (let quietly = 0, all = 0; quietly < 10; all++) {
      expect(all).to.be.lessThan(500)
      quietly += (await puller.receive()).length === 5 ? 1 : 0
    }

    // loud would wait for what nobody takes
    await puller.close()
  })
})

describe('sp pair', () => {
  for (const role of ['pair', 'pair1'] as const) {
    it(`${role}: keeps order, both ways`, async () => {
      const { listener, dialer } = await connect(sp[role](), sp[role]())
      const numbers = Array.from({ length: 500 }, (_, i) => `${i}`)

      for (const [from, to] of [[listener, dialer], [dialer, listener]]) {
        const sending = (async () => { for (const number of numbers) { await from.send(number) } })()
        const received = []

        for await (const message of to) {
          if (received.push(text(message)) === numbers.length) {
            break
          }
        }

        await sending
        expect(received).to.deep.equal(numbers)
      }
    })
  }
})

describe('sp pub and sub', () => {
  it('filters by all subscriptions, those taken back excepted', async () => {
    const { listener: publisher, dialer: subscriber } = await connect(sp.pub(), sp.sub({ subscriptions: ['a'] }))
    subscriber.subscribe('bb')
    subscriber.subscribe(Buffer.from('c'))
    subscriber.subscribe('c')
    subscriber.subscribe('d')
    expect(subscriber.unsubscribe('d')).to.equal(true)
    expect(subscriber.unsubscribe('d')).to.equal(false)
    expect(subscriber.unsubscribe('c')).to.equal(true)

    for (const message of ['a', 'ab', 'b', 'bb', 'bbc', 'c', 'd', '']) {
      await publisher.send(message)
    }

    expect(await drain(subscriber)).to.deep.equal(['a', 'ab', 'bb', 'bbc', 'c'])
    subscriber.subscribe('')
    await publisher.send('')
    expect(await drain(subscriber)).to.deep.equal([''])
  })

  it('takes nothing without a subscription', async () => {
    const { listener: publisher, dialer: subscriber } = await connect(sp.pub(), sp.sub())
    await publisher.send('news')

    expect(await drain(subscriber)).to.be.empty()
  })

  for (const [preferNew, kept] of [[true, ['3', '4', '5']], [false, ['1', '2', '3']]] as const) {
    it(`keeps the ${preferNew ? 'newest' : 'oldest'} where nobody takes them`, async () => {
      const { listener: publisher, dialer: subscriber } = await connect(sp.pub(), sp.sub({ subscriptions: [''], receiveBuffer: 3, preferNew }))
      const [other] = [open(sp.sub({ subscriptions: [''] }))]
      await other.dial(await publisher.listen('ws://127.0.0.1:0').then(({ addresses }) => addresses[0]))
      await peers(publisher, 2)

      for (const message of ['1', '2', '3', '4', '5']) {
        await publisher.send(message)
      }

      expect(await drain(other)).to.have.length(5)
      expect(await drain(subscriber)).to.deep.equal(kept)
    })
  }

  it('drops for a subscriber that does not read, beyond highWaterMark and sendBuffer, and for no other', async () => {
    const url = await freeUrl()
    const publisher = open(sp.pub({ highWaterMark: 100_000, sendBuffer: 3 }))
    await publisher.listen(url)
    const stuck = await wire(url, 'pub')
    const reader = await wire(url, 'pub')
    await peers(publisher, 2)
    stuck.pause()

    for (let i = 1; i <= 500; i++) {
      await publisher.send(new Uint8Array(65_536))
      await reader.inbox.until(({ messages: { length } }) => length === i)
    }

    stuck.resume()
    await publisher.send('the end')
    await reader.inbox.until(({ messages: { length } }) => length === 501)
    await delay(100)
    expect(stuck.inbox.messages.length).to.be.within(3, 200)
  })
})

describe('sp bus', () => {
  it('sends to all peers, and passes nothing on', async () => {
    const buses = [sp.bus(), sp.bus(), sp.bus()].map(open)
    const { addresses: [address] } = await buses[0].listen('ws://127.0.0.1:0')
    await Promise.all(buses.slice(1).map(async bus => bus.dial(address)))
    await peers(buses[0], 2)
    await buses[0].send('to all')
    await buses[1].send('to the first')

    expect(await Promise.all(buses.map(drain))).to.deep.equal([['to the first'], ['to all'], ['to all']])
  })

  it('drops what it cannot keep', async () => {
    const { listener, dialer } = await connect(sp.bus({ receiveBuffer: 2 }), sp.bus())

    for (const message of ['1', '2', '3']) {
      await dialer.send(message)
    }

    await delay(50)
    expect(await drain(listener)).to.deep.equal(['1', '2'])
  })
})

describe('sp req and rep', () => {
  it('brings each reply to its request, whatever the order', async () => {
    const { listener: replier, dialer: requester } = await connect(sp.rep(), sp.req())
    const replies = ['a', 'b', 'c'].map(async body => requester.request(body))
    const requests = [await replier.receive(), await replier.receive(), await replier.receive()]

    for (const request of requests.reverse()) {
      await request.reply(`re:${text(request.body)}`)
    }

    expect((await Promise.all(replies)).map(text)).to.deep.equal(['re:a', 're:b', 're:c'])
  })

  it('asks the repliers in turns', async () => {
    const requester = open(sp.req())
    const { addresses: [address] } = await requester.listen('ws://127.0.0.1:0')
    const repliers = [open(sp.rep()), open(sp.rep())]
    await Promise.all(repliers.map(async replier => replier.dial(address)))
    await peers(requester, 2)
    repliers.forEach((replier, i) => {
      void (async () => { for await (const request of replier) { await request.reply(`${i}`) } })()
    })

    const answers = await Promise.all(['', '', '', ''].map(async body => text(await requester.request(body))))
    expect(answers.sort()).to.deep.equal(['0', '0', '1', '1'])
  })

  it('waits for a replier, and for a reply, as long as it is told to', async () => {
    const requester = open(sp.req({ receiveTimeout: 20 }))
    const { addresses: [address] } = await requester.listen('ws://127.0.0.1:0')
    const controller = new AbortController()
    const aborted = rejection(requester.request('aborted', { signal: controller.signal, timeout: Infinity }))
    const waiting = requester.request('waiting', { timeout: 5_000 })
    controller.abort()
    expect(await aborted).to.have.property('name', 'AbortError')
    expect(await rejection(requester.request('no peer'))).to.have.property('name', 'TimeoutError')

    const replier = open(sp.rep())
    await replier.dial(address)
    const request = await replier.receive()
    expect(text(request.body)).to.equal('waiting')
    await request.reply('at last')
    expect(text(await waiting)).to.equal('at last')
    expect(await rejection(requester.request('no reply'))).to.have.property('name', 'TimeoutError')
  })

  it('asks again after resendTime, with the same id', async () => {
    const url = await freeUrl()
    const requester = open(sp.req({ resendTime: 20 }))
    await requester.listen(url)
    const peer = await wire(url, 'req')
    const reply = requester.request('again?')
    const { messages } = await peer.inbox.until(({ messages: { length } }) => length === 3)

    expect(new Set(messages.map(({ data }) => hex(data))).size).to.equal(1)
    peer.send(messages[0].data)
    expect(text(await reply)).to.equal('again?')
    const { length } = messages
    await delay(60)
    expect(peer.inbox.messages.length).to.be.at.most(length + 1)
  })

  it('asks another at once when the pipe ends, or fails without resendTime', async () => {
    for (const resendTime of [60_000, 0]) {
      const url = await freeUrl()
      const requester = open(sp.req({ resendTime }))
      await requester.listen(url)
      const first = await wire(url, 'req')
      const reply = requester.request('who?')
      reply.catch(() => {})
      await first.inbox.until(({ messages: { length } }) => length === 1)
      const second = await wire(url, 'req')
      await peers(requester, 2)
      first.vanish()

      if (resendTime === 0) {
        expect(await rejection(reply)).to.have.property('name', 'ConnectionClosedError')
      } else {
        await second.inbox.until(({ messages: { length } }) => length === 1)
        second.send(Buffer.concat([first.inbox.messages[0].data.subarray(0, 4), Buffer.from('me')]))
        expect(text(await reply)).to.equal('me')
      }
    }
  })

  it('is answered once', async () => {
    const { listener: replier, dialer: requester } = await connect(sp.rep(), sp.req())
    void requester.request('?')
    const request = await replier.receive()
    await request.reply('yes')

    expect(await rejection(request.reply('no'))).to.include({ name: 'InvalidStateError', state: 'answered' })
  })

  it('drops the answer to whoever is gone', async () => {
    const { listener: replier, dialer: requester } = await connect(sp.rep(), sp.req())
    requester.request('?').catch(() => {})
    const request = await replier.receive()
    const removed = event(replier, 'pipe:remove')
    await requester.close()
    await removed

    await request.reply('anybody?')
  })

  it('knows where a request came from', async () => {
    const { listener: replier, dialer: requester, pipe } = await connect(sp.rep(), sp.req())
    requester.request('?').catch(() => {})

    expect((await replier.receive()).pipe).to.equal(pipe)
  })
})

describe('sp surveyor and respondent', () => {
  it('takes the answers of all until the deadline', async () => {
    const surveyor = open(sp.surveyor({ surveyTime: 100 }))
    const { addresses: [address] } = await surveyor.listen('ws://127.0.0.1:0')
    const respondents = [open(sp.respondent()), open(sp.respondent()), open(sp.respondent())]
    await Promise.all(respondents.map(async respondent => respondent.dial(address)))
    await peers(surveyor, 3)
    const survey = surveyor.survey('?')
    const [one, two, late] = await Promise.all(respondents.map(async respondent => respondent.receive()))
    await one.reply('1')
    await two.reply('2')
    const answers: string[] = []

    for await (const answer of survey) {
      answers.push(text(answer))
    }

    await late.reply('3')
    expect(answers.sort()).to.deep.equal(['1', '2'])
    expect(await surveyor.survey('?', { deadline: 20 }).next()).to.deep.equal({ done: true, value: undefined })
  })

  it('keeps surveys apart, and ends one that is left', async () => {
    const { listener: surveyor, dialer: respondent } = await connect(sp.surveyor(), sp.respondent())
    void (async () => { for await (const request of respondent) { await request.reply(`re:${text(request.body)}`) } })()

    let answers = 0

    for await (const answer of surveyor.survey('left', { deadline: 60_000 })) {
      expect(text(answer)).to.equal('re:left')

      if (++answers === 1) {
        break
      }
    }

    const surveys = ['a', 'b'].map(body => surveyor.survey(body, { deadline: 60_000 }))
    expect(await Promise.all(surveys.map(async survey => text((await survey.next()).value ?? Buffer.of())))).to.deep.equal(['re:a', 're:b'])
    await Promise.all(surveys.map(async survey => survey.return?.()))
  })

  it('is aborted by its signal, and ends with its socket', async () => {
    const surveyor = open(sp.surveyor())
    const controller = new AbortController()
    const aborted = rejection(surveyor.survey('?', { deadline: 60_000, signal: controller.signal }).next())
    const closed = surveyor.survey('?', { deadline: 60_000 }).next()
    controller.abort()
    expect(await aborted).to.have.property('name', 'AbortError')
    expect(() => surveyor.survey('?', { signal: controller.signal })).to.throw().with.property('name', 'AbortError')
    await surveyor.close()
    expect(await closed).to.deep.equal({ done: true, value: undefined })
  })

  it('drops answers that it cannot keep', async () => {
    const url = await freeUrl()
    const surveyor = open(sp.surveyor({ receiveBuffer: 2, surveyTime: 200 }))
    await surveyor.listen(url)
    const peer = await wire(url, 'surveyor')
    const survey = surveyor.survey('?')
    await peer.inbox.until(({ messages: { length } }) => length === 1)
    const id = peer.inbox.messages[0].data.subarray(0, 4)
    ;['1', '2', '3'].forEach(answer => { peer.send(Buffer.concat([id, Buffer.from(answer)])) })
    await delay(50)
    const answers = []

    for await (const answer of survey) {
      answers.push(text(answer))
    }

    expect(answers).to.deep.equal(['1', '2'])
  })
})

describe('sp socket', () => {
  it('listens and dials at any number of addresses of all kinds', async () => {
    const certificate = await createCertificate()
    const puller = open(sp.pull())
    const path = encodeURIComponent(await socketPath())
    const addresses = [
      ...(await puller.listen('ws://127.0.0.1:0/a/b')).addresses,
      ...(await puller.listen('ws://:0')).addresses.slice(0, 1),
      ...(await puller.listen('/ip4/127.0.0.1/tcp/0/tls/ws', { https: certificate })).addresses,
      ...(await puller.listen(`/unix/${path}/ws`)).addresses
    ]
    const pusher = open(sp.push())

    for (const address of addresses) {
      await pusher.dial(address, { tls: { ca: certificate.cert } })
    }

    expect(pusher.pipeCount).to.equal(4)
    await Promise.all(['1', '2', '3', '4'].map(async message => pusher.send(message)))
    expect((await drain(puller)).sort()).to.deep.equal(['1', '2', '3', '4'])
  })

  it('says who came and who went, with headers of both sides', async () => {
    const url = await freeUrl('/a?b')
    const puller = open(sp.pull())
    const { addresses: [address] } = await puller.listen(url.replace('?b', ''), { headers: { 'X-Server': 's' } })
    const pusher = open(sp.push())
    const [accepted, dialled] = [event(puller, 'pipe:add'), event(pusher, 'pipe:add')]
    const endpoint = await pusher.dial(url, { headers: { Cookie: 'c', Host: 'example.com' } })
    const [inbound, outbound] = [await accepted, await dialled]

    expect(inbound).to.include({ direction: 'inbound', path: '/a?b' })
    expect(inbound.headers).to.include({ cookie: 'c', host: 'example.com' })
    expect(outbound).to.include({ direction: 'outbound', path: '/a?b' })
    expect(outbound.headers).to.include({ 'x-server': 's' })
    expect(`${inbound.local}`).to.equal(`${address}`)
    expect(`${inbound.remote}`).to.equal(`${outbound.local}`)

    const removed = event(puller, 'pipe:remove')
    await endpoint.close()
    expect(await removed).to.deep.include({ pipe: inbound }).and.to.have.nested.property('close.code', 1000)
    expect([puller.pipeCount, pusher.pipeCount]).to.deep.equal([0, 0])
  })

  it('closes one listener, with 1001, and leaves the other', async () => {
    const puller = open(sp.pull())
    const [one, two] = [await puller.listen('ws://127.0.0.1:0'), await puller.listen('ws://127.0.0.1:0')]
    const pusher = open(sp.push({ reconnectMin: 60_000 }))
    await pusher.dial(one.addresses[0])
    await pusher.dial(two.addresses[0])
    await peers(puller, 2)
    const removed = event(pusher, 'pipe:remove')
    await one.close()

    expect((await removed).close.code).to.equal(1001)
    await pusher.send('to the other')
    expect(text(await puller.receive())).to.equal('to the other')
  })

  it('drops the connection without a Close frame where closeFrame is false', async () => {
    const url = await freeUrl()
    const puller = open(sp.pull({ closeFrame: false }))
    await puller.listen(url)
    const peer = await wire(url, 'pull')
    await puller.close()

    expect((await peer.closed).code).to.equal(1006)
  })

  it('waits for the Close frame of its peers no longer than closeTimeout', async function () {
    // the default is 3 s
    this.timeout(2_000)
    const url = await freeUrl()
    const puller = open(sp.pull({ closeTimeout: 50 }))
    await puller.listen(url)
    const peer = await wire(url, 'pull')
    await peers(puller)
    peer.pause()
    const removed = event(puller, 'pipe:remove')
    await puller.close()

    expect((await removed).close).to.include({ code: 1006, wasClean: false })
  })

  it('dials less and less often up to reconnectMax', async () => {
    const url = await freeUrl()
    const refused = { steady: 0, patient: 0 }
    const sockets = { steady: open(sp.push({ reconnectMin: 1 })), patient: open(sp.push({ reconnectMin: 1, reconnectMax: 60_000 })) }

    for (const name of ['steady', 'patient'] as const) {
      sockets[name].addEventListener('pipe:refuse', () => { refused[name]++ })
      await sockets[name].dial(url, { background: true })
    }

    await until(() => refused.steady >= 100)
    expect(refused.patient).to.be.within(1, 50)
  })

  it('tells everybody who waits when it closes, and refuses what comes later', async () => {
    const pusher = sp.push()
    const puller = sp.pull()
    const requester = sp.req()
    const waits = [rejection(pusher.send('x')), rejection(puller.receive()), rejection(requester.request('x'))]
    const loop = (async () => { for await (const message of puller) { expect(message).to.equal(undefined) } })()
    await Promise.all([pusher.close(), puller.close(), requester.close(), puller.close()])
    await loop

    for (const wait of [...waits, rejection(pusher.send('x')), rejection(puller.receive()), rejection(requester.request('x')), rejection(puller.listen('ws://127.0.0.1:0')), rejection(puller.dial('ws://127.0.0.1:1'))]) {
      expect(await wait).to.have.property('name', 'ConnectionClosedError')
    }

    expect(() => sp.surveyor({ signal: AbortSignal.abort() })).to.not.throw()
  })

  it('closes by its signal, and at the end of its scope', async () => {
    const controller = new AbortController()
    const { addresses: [address] } = await open(sp.pull()).listen('ws://127.0.0.1:0')
    const pusher = sp.push({ signal: controller.signal })
    await pusher.dial(address)
    controller.abort()
    expect(await rejection(pusher.send('x'))).to.have.property('name', 'ConnectionClosedError')
    await until(() => pusher.pipeCount === 0)

    const late = sp.push({ signal: controller.signal })
    await expect(late.dial(address)).to.eventually.be.rejected.with.property('name', 'ConnectionClosedError')

    const scoped = sp.push()
    await scoped.dial(address)
    await scoped[Symbol.asyncDispose]()
    expect(scoped.pipeCount).to.equal(0)
  })

  it('fails a first dial, once, and goes on in the background where it is told to', async () => {
    const url = await freeUrl()
    const pusher = open(sp.push({ reconnectMin: 20 }))
    expect(await rejection(pusher.dial(url))).to.include({ name: 'ConnectionFailedError', stage: 'connect' })
    await pusher.dial(url, { background: true })
    const { address, error } = await event(pusher, 'pipe:refuse')
    expect([address, error.name]).to.deep.equal([url, 'ConnectionFailedError'])

    const puller = open(sp.pull())
    await puller.listen(url)
    await pusher.send('found')
    expect(text(await puller.receive())).to.equal('found')
    await delay(50)
    expect(puller.pipeCount).to.equal(1)
  })

  it('does not try an address that cannot be dialled', async () => {
    for (const background of [true, false]) {
      expect(await rejection(open(sp.push()).dial('ws://127.0.0.1:0', { background }))).to.have.property('name', 'InvalidMultiaddrError')
    }
  })

  it('ends a dial by its signal, and by its close', async () => {
    const { tcpPeer } = await import('../fixtures/peers.ts')
    const { address } = await tcpPeer()
    const pusher = open(sp.push())
    expect(await rejection(pusher.dial(address, { signal: AbortSignal.timeout(20) }))).to.have.property('name', 'AbortError')
    expect(await rejection(pusher.dial(address, { handshakeTimeout: 20 }))).to.have.property('name', 'TimeoutError')
    const dialling = rejection(pusher.dial(address))
    await pusher.close()
    expect(await dialling).to.have.property('name', 'ConnectionClosedError')
  })

  it('shares its port with nobody unless it is told to', async () => {
    const port = await freePort()
    await open(sp.pull()).listen(`ws://127.0.0.1:${port}/a`)

    await expect(open(sp.pull()).listen(`ws://127.0.0.1:${port}/b`)).to.eventually.be.rejected.with.property('name', 'ListenError')
  })

  it('refuses a body that is neither bytes nor text', async () => {
    expect(await rejection(open(sp.pub()).send(5 as any))).to.have.property('name', 'InvalidParametersError')
  })
})
