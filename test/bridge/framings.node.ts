/** Framings: the same messages wherever the reads are cut, nothing lost, nothing held without bound. */
import { isUtf8 } from 'node:buffer'
import { expect } from 'aegir/chai'
import fc from 'fast-check'
import { auto, binary, dynamic32, fixedLength, json, newline, separator, text } from '../../src/bridge/framings/index.ts'
import { allSplits, bytesOf, frame, sourceOf, splitAt } from './framing-fixtures.ts'
import type { Framing } from '../../src/bridge/framing.ts'

/** Framings that find boundaries, with bytes that are full of what they look for. */
const CUTTING: Array<{ name: string, make(maxMessage?: number): Framing, alphabet: string[], short: string }> = [
  { name: 'separator', make: maxMessage => separator('abac', { maxMessage }), alphabet: ['a', 'b', 'c', 'ab', 'abac', '\0'], short: 'abacababac' },
  { name: 'newline:crlf', make: maxMessage => newline('crlf', { maxMessage }), alphabet: ['\r', '\n', '\r\n', 'x', '\xc3', '\xa9'], short: 'a\r\n\xc3\xa9\n\r\n\xff\r' },
  { name: 'newline:lf', make: maxMessage => newline('lf', { maxMessage }), alphabet: ['\n', 'x', '\xe2', '\x82', '\xac'], short: '\n\xe2\x82\xac\n\xe2\n\xac' },
  { name: 'fixedLength', make: () => fixedLength(3), alphabet: ['a', '\xff'], short: '0123456789' },
  { name: 'dynamic32', make: maxMessage => dynamic32({ offset: 1, endian: 'big', maxMessage }), alphabet: ['\0', '\0\0\0\0\x01', '\x02', '\xff'], short: 'a\0\0\0\x01xb\0\0\0' },
  { name: 'json', make: maxMessage => json({ maxMessage }), alphabet: ['{', '}', '[', ']', '"', '\\', ' ', '1', 'null', ',', '"a":', 'é', '\xff'], short: '{"\\":"}" 1' }
]

describe('bridge framings', function () {
  this.timeout(20_000)

  for (const { name, make, alphabet, short } of CUTTING) {
    const input = fc.array(fc.constantFrom(...alphabet), { maxLength: 40 }).map(parts => bytesOf(parts.join('')))
    const cuts = fc.array(fc.nat(100), { maxLength: 12 })

    it(`${name} makes the same messages of every cut of a short input`, async () => {
      const whole = await frame(make(), [short])
      let count = 0

      for (const reads of allSplits(bytesOf(short))) {
        expect(await frame(make(), reads)).to.deep.equal(whole)
        count++
      }

      expect(count).to.equal(2 ** (short.length - 1))
    })

    it(`${name} makes the same messages of any cut of any input, with empty reads in between`, async () => {
      await fc.assert(fc.asyncProperty(input, cuts, async (bytes, cuts) => {
        const reads = splitAt(bytes, cuts).flatMap(read => [read, new Uint8Array(0)])

        expect(await frame(make(), reads)).to.deep.equal(await frame(make(), [bytes]))
      }))
    })

    it(`${name} ends at the same place with the same error where a message is over maxMessage`, async () => {
      await fc.assert(fc.asyncProperty(input, cuts, fc.integer({ min: 1, max: 12 }), async (bytes, cuts, maxMessage) => {
        expect(await frame(make(maxMessage), splitAt(bytes, cuts))).to.deep.equal(await frame(make(maxMessage), [bytes]))
      }))
    })

    it(`${name} loses nothing, and calls only text what is`, async () => {
      await fc.assert(fc.asyncProperty(input, cuts, async (bytes, cuts) => {
        const sent: Uint8Array[] = []

        try {
          for await (const { data, text } of make()(sourceOf(splitAt(bytes, cuts)))) {
            sent.push(data)
            expect(!text || isUtf8(data)).to.equal(true)
          }
        } catch (err: any) {
          // the property is of those inputs that it takes
          expect(err.name).to.equal('MessageTooLargeError')
          return
        }

        // blanks after the last JSON value are none
        const shown = (bytes: Uint8Array): string => name === 'json' ? Buffer.from(bytes).toString('latin1').trimEnd() : Buffer.from(bytes).toString('latin1')
        expect(shown(Buffer.concat(sent))).to.equal(shown(bytes))
      }))
    })
  }

  it('each keeps its state to one connection', async () => {
    const framing = newline('lf')
    const [first, second] = [framing(sourceOf([bytesOf('a'), bytesOf('b\n')])), framing(sourceOf([bytesOf('c'), bytesOf('d\n')]))].map(messages => messages[Symbol.asyncIterator]())

    expect(Buffer.from((await first.next()).value?.data).toString()).to.equal('ab\n')
    expect(Buffer.from((await second.next()).value?.data).toString()).to.equal('cd\n')
  })

  it('hand out bytes that nothing writes to any more', async () => {
    const messages: Uint8Array[] = []

    for await (const { data } of separator(';')(sourceOf(['ab', 'c;d', 'ef;', 'gh', ';ij', 'k;'].map(bytesOf)))) {
      messages.push(data)
    }

    expect(messages.map(String)).to.deep.equal(['abc;', 'def;', 'gh;', 'ijk;'].map(message => String(bytesOf(message))))
  })

  it('release the source when the reader leaves, and pass on its error', async () => {
    for (const framing of [auto(), auto({ datagrams: true }), binary(), text(), separator('b'), json()]) {
      let released = false
      const source = async function * (): AsyncGenerator<Uint8Array> {
        try {
          yield bytesOf('"a"b')
          yield bytesOf('"a"b')
        } finally {
          released = true
        }
      }

      const messages = framing(source())[Symbol.asyncIterator]()
      expect((await messages.next()).value?.data).to.not.be.empty()
      await messages.return?.()

      expect(released).to.equal(true)
      expect(await frame(() => framing(failing), [])).to.deep.equal(['SourceError'])
    }
  })
})

describe('bridge framing: auto', function () {
  this.timeout(20_000)

  it('calls any valid text text, wherever it is cut, and keeps all of it', async () => {
    await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary' }), fc.array(fc.nat(60)), async (string, cuts) => {
      const bytes = Buffer.from(string)
      const shown = await frame(auto(), splitAt(bytes, cuts))

      expect(shown.every(message => message.startsWith('text '))).to.equal(true)
      expect(shown.map(message => message.slice('text '.length)).join('')).to.equal(bytes.toString('latin1'))
    }))
  })

  it('loses nothing of any bytes, and calls only text what is', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 8 })), async reads => {
      const shown = await frame(auto(), reads)

      expect(shown.map(message => message.slice(message.indexOf(' ') + 1)).join('')).to.equal(Buffer.concat(reads).toString('latin1'))
      expect(shown.filter(message => message.startsWith('text ')).every(message => isUtf8(bytesOf(message.slice('text '.length))))).to.equal(true)
    }))
  })

  it('makes a message of each read', async () => {
    expect(await frame(auto(), ['ab', 'c\n', '\xff', 'd'])).to.deep.equal(['text ab', 'text c\n', 'binary \xff', 'text d'])
  })

  it('gives the beginning of a character away as binary when the peer waits', async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    const shown: string[] = []

    const peer = async function * (): AsyncGenerator<Uint8Array> {
      // a PUBACK of MQTT with the packet id 195
      yield bytesOf('\x40\x02\x00\xc3')
      await answered
      yield bytesOf('ok')
    }

    for await (const { data, text } of auto()(peer())) {
      shown.push(`${text} ${Buffer.from(data).toString('latin1')}`)

      if (shown.length === 2) {
        answer()
      }
    }

    expect(shown).to.deep.equal(['true \x40\x02\x00', 'false \xc3', 'true ok'])
  })

  it('fails with its source, also while it has given up waiting for it', async () => {
    const { promise: failed, reject: fail } = Promise.withResolvers<never>()

    const messages = auto()((async function * () {
      yield bytesOf('\xc3')
      await failed
    })())[Symbol.asyncIterator]()

    expect((await messages.next()).value).to.have.property('text', false)
    fail(new Error('gone'))
    await new Promise(setImmediate)
    expect(await messages.next().catch(err => err.message)).to.equal('gone')
  })

  it('keeps the boundaries of datagrams', async () => {
    expect(await frame(auto({ datagrams: true }), ['a\xc3', '\xa9', '', 'b'])).to.deep.equal(['binary a\xc3', 'binary \xa9', 'text ', 'text b'])
  })
})

describe('bridge framing: text and binary', () => {
  it('text makes a text message of each read, with whole characters', async () => {
    expect(await frame(text(), ['a\xe2', '\x82', '\xac', 'b'])).to.deep.equal(['text a', 'text \xe2\x82\xac', 'text b'])
  })

  it('text fails where the bytes are none, and where they end too early', async () => {
    expect(await frame(text(), ['a', '\xff'])).to.deep.equal(['text a', 'InvalidMessageError'])
    expect(await frame(text(), ['a\xc3'])).to.deep.equal(['text a', 'InvalidMessageError'])
  })

  it('text keeps the boundaries of datagrams', async () => {
    expect(await frame(text({ datagrams: true }), ['a', '', 'b'])).to.deep.equal(['text a', 'text ', 'text b'])
    expect(await frame(text({ datagrams: true }), ['a\xc3', '\xa9'])).to.deep.equal(['InvalidMessageError'])
  })

  it('binary makes a binary message of each read', async () => {
    expect(await frame(binary(), ['a', '\xff', ''])).to.deep.equal(['binary a', 'binary \xff', 'binary '])
  })
})

describe('bridge framing: separator and newline', () => {
  it('keep the separator, and send what comes behind the last one', async () => {
    expect(await frame(separator('--'), ['a--', '--b-', '--c'])).to.deep.equal(['binary a--', 'binary --', 'binary b--', 'binary -c'])
    expect(await frame(separator(Uint8Array.of(0)), ['a\0b'])).to.deep.equal(['binary a\0', 'binary b'])
  })

  it('know the four line ends', async () => {
    expect(await frame(newline('crlf'), ['a\nb\r\nc'])).to.deep.equal(['text a\nb\r\n', 'text c'])
    expect(await frame(newline('lfcr'), ['a\n\rb'])).to.deep.equal(['text a\n\r', 'text b'])
    expect(await frame(newline('lf'), ['a\r\nb'])).to.deep.equal(['text a\r\n', 'text b'])
    expect(await frame(newline('cr'), ['a\r\nb'])).to.deep.equal(['text a\r', 'text \nb'])
  })
})

describe('bridge framing: lengths', () => {
  it('fixedLength cuts at its length, and with 0 not at all', async () => {
    expect(await frame(fixedLength(2), ['abc', 'de'])).to.deep.equal(['binary ab', 'binary cd', 'binary e'])
    expect(await frame(fixedLength(0), ['abc', 'de'])).to.deep.equal(['binary abc', 'binary de'])
  })

  it('dynamic32 reads the length where its options say', async () => {
    expect(await frame(dynamic32(), ['\x01\0\0\0a\0\0\0\0\x09\0\0\0b'])).to.deep.equal(['binary \x01\0\0\0a', 'binary \0\0\0\0', 'binary \x09\0\0\0b'])
    expect(await frame(dynamic32({ endian: 'big', offset: 2 }), ['xx\0\0\0\x01ayy\0\0\0\0'])).to.deep.equal(['binary xx\0\0\0\x01a', 'binary yy\0\0\0\0'])
    expect(await frame(dynamic32({ endian: 'big', static: 2 }), ['\0\0\0\x01abc\0\0\0\0de'])).to.deep.equal(['binary \0\0\0\x01abc', 'binary \0\0\0\0de'])
    // PostgreSQL: a letter, and a length that counts itself
    expect(await frame(dynamic32({ endian: 'big', offset: 1, static: -4 }), ['Z\0\0\0\x05IX\0\0\0\x04'])).to.deep.equal(['binary Z\0\0\0\x05I', 'binary X\0\0\0\x04'])
  })

  it('dynamic32 refuses a long message by its length field', async () => {
    let read = 0
    const source = (async function * () {
      while (true) {
        read += 1_000
        yield Buffer.concat([Buffer.of(0, 0, 1, 0), Buffer.alloc(996)])
      }
    })()

    await expect(Array.fromAsync(dynamic32({ maxMessage: 10_000 })(source))).to.eventually.be.rejected.with.property('name', 'MessageTooLargeError')
    expect(read).to.equal(1_000)
  })
})

describe('bridge framing: json', function () {
  this.timeout(20_000)

  it('makes a text message of each value, with the blanks before it', async () => {
    expect(await frame(json(), ['{"a":[1,{}]} [] "x"', '\n1 true\r\n'])).to.deep.equal(['text {"a":[1,{}]}', 'text  []', 'text  "x"', 'text \n1', 'text  true'])
    expect(await frame(json(), ['truefalse1.5e3{}'])).to.deep.equal(['text true', 'text false', 'text 1.5e3', 'text {}'])
  })

  it('sends what is no JSON as binary, and goes on', async () => {
    expect(await frame(json(), ['{"a":} oops}[1] {"b":'])).to.deep.equal(['binary {"a":}', 'binary  oops}', 'text [1]', 'binary  {"b":'])
  })

  it('does not wait behind true, false and null', async () => {
    const messages = json()((async function * () {
      yield bytesOf('[1]null')
      await new Promise(() => {})
    })())[Symbol.asyncIterator]()

    expect(Buffer.from((await messages.next()).value?.data).toString()).to.equal('[1]')
    expect(Buffer.from((await messages.next()).value?.data).toString()).to.equal('null')
  })

  it('agrees with JSON.parse on any values', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.json()), fc.array(fc.nat(200)), async (values, cuts) => {
      const shown = await frame(json(), splitAt(Buffer.from(values.join('\n')), cuts))

      expect(shown.map(message => message.replace(/^text\s+/, ''))).to.deep.equal(values.map(value => Buffer.from(value).toString('latin1')))
    }))
  })
})

const failing: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: async () => { throw Object.assign(new Error('gone'), { name: 'SourceError' }) } })
}
