/** What depends on when a browser tells something: its sockets are fakes. The suites run over real ones. */
import { expect } from 'aegir/chai'
import { MAX_UNREAD } from '../../src/constants.ts'
import { fakeChannel } from '../fixtures/fake-socket.ts'

const BYTE = new Uint8Array(1)

describe('the channel of browsers', () => {
  it('holds no more empty messages than others for a paused receiver', async () => {
    const { channel, socket } = fakeChannel()
    channel.pause()

    for (let i = 0; i < MAX_UNREAD && socket.ended == null; i++) {
      socket.sink.onreceived('')
    }

    expect(socket.ended).to.deep.equal({ by: 'abort', code: 4006 })
    expect(await channel.closed).to.have.nested.property('error.name', 'StreamBufferError')
  })

  it('delivers what it held in order, before the end that came meanwhile', async () => {
    const { channel, socket } = fakeChannel()
    const received: Array<string | number> = []
    channel.onclose = ({ code }) => { received.push(code) }
    ;['a', 'b', 'c'].forEach(text => { socket.sink.onreceived(text) })
    socket.sink.onended(4000, '', true)

    channel.onmessage = data => {
      received.push(new TextDecoder().decode(data))
      channel.pause()
    }
    expect(received).to.deep.equal(['a'])
    channel.resume()
    expect(received).to.deep.equal(['a', 'b'])
    channel.resume()
    expect(received).to.deep.equal(['a', 'b', 'c', 4000])
    expect(channel.bytesIn).to.equal(3)
  })

  it('closes though the peer has ended and the receiver is paused', async () => {
    const { channel, socket } = fakeChannel()
    const received: Uint8Array[] = []
    channel.onmessage = data => { received.push(data) }
    channel.pause()
    socket.sink.onreceived(BYTE)
    socket.sink.onended(4000, 'bye', true)
    expect(channel.status).to.equal('closing')

    await channel.close()

    expect(await channel.closed).to.deep.equal({ code: 4000, reason: 'bye', wasClean: true, error: undefined })
    expect(received).to.deep.equal([])
  })

  it('can be aborted though the peer has ended and the receiver is paused', async () => {
    const { channel, socket } = fakeChannel()
    const error = new Error('enough')
    socket.sink.onreceived(BYTE)
    socket.sink.onended(4000, '', true)

    channel.abort(error)

    expect(await channel.closed).to.deep.equal({ code: 1006, reason: '', wasClean: false, error })
    expect(channel.status).to.equal('closed')
  })

  it('closes in time though its receiver pauses for good meanwhile', async () => {
    const { channel, socket } = fakeChannel({ closeTimeout: 10 })
    socket.sink.onreceived(BYTE)
    socket.sink.onreceived(BYTE)
    channel.onmessage = () => {
      void channel.close()
      channel.pause()
    }
    expect(socket.ended).to.deep.equal({ by: 'close', code: 1000 })
    socket.sink.onended(1000, '', true)

    const { error } = await channel.closed
    expect(error).to.have.property('name', 'TimeoutError')
    expect(error?.message).to.equal('Could not close ws://127.0.0.1/: no answer to the Close frame for 10 ms')
    expect(channel.bytesIn).to.equal(1)
  })
})
