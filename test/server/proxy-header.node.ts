import { expect } from 'aegir/chai'
import { array, assert, constant, integer, ipV4, ipV6, oneof, property, string, uint8Array } from 'fast-check'
import { parseProxyHeader } from '../../src/server/proxy-header.ts'
import { bytesOf, proxyV1, proxyV2, proxyV2From } from './proxy-headers.ts'

/** No header is longer, whatever it says. */
const LONGEST = 4_096

const IP6_BYTES = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]

const byte = integer({ min: 0, max: 255 })
const port = integer({ min: 0, max: 65_535 })
const ip = (size: number): ReturnType<typeof array<number>> => array(byte, { minLength: size, maxLength: size })
const valid = oneof(
  ipV4().chain(host => port.map(port => proxyV1(host, port))),
  // the generator writes some with dots, others with zones are none
  ipV6().chain(host => port.map(port => proxyV1(host, port))),
  constant('PROXY UNKNOWN\r\n'),
  oneof(ip(4), ip(16)).chain(address => port.chain(port => array(byte, { maxLength: 300 }).map(tlvs => proxyV2From(address, port, tlvs)))),
  array(byte, { maxLength: 300 }).map(rest => proxyV2(0x20, 0, rest))
)

describe('PROXY header', () => {
  describe('names its client', () => {
    for (const [name, text, source] of [
      ['1, IPv4', proxyV1('192.0.2.7', 56_324), { host: '192.0.2.7', port: 56_324 }],
      ['1, IPv6', proxyV1('2001:db8::5', 1), { host: '2001:db8::5', port: 1 }],
      ['1, port 0', proxyV1('192.0.2.7', 0), { host: '192.0.2.7', port: 0 }],
      ['2, IPv4', proxyV2From([192, 0, 2, 7], 56_324), { host: '192.0.2.7', port: 56_324 }],
      ['2, IPv6', proxyV2From(IP6_BYTES, 443), { host: '2001:0db8:0000:0000:0000:0000:0000:0005', port: 443 }],
      ['2, with TLVs', proxyV2From([192, 0, 2, 7], 1, [0x04, 0, 1, 0]), { host: '192.0.2.7', port: 1 }]
    ] as const) {
      it(`in version ${name}`, () => {
        expect(parseProxyHeader(bytesOf(`${text}GET /`))).to.deep.equal({ source, length: text.length })
      })
    }
  })

  describe('names none', () => {
    for (const [name, text] of [
      ['1, unknown', 'PROXY UNKNOWN\r\n'],
      ['1, unknown, with addresses', 'PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n'],
      ['2, local', proxyV2(0x20, 0, [])],
      ['2, local, with bytes to skip', proxyV2(0x20, 0x11, [1, 2, 3])],
      ['2, no family', proxyV2(0x21, 0, [1, 2, 3])],
      ['2, a Unix socket', proxyV2(0x21, 0x31, new Uint8Array(216))]
    ] as const) {
      it(`in version ${name}`, () => {
        expect(parseProxyHeader(bytesOf(`${text}GET /`))).to.deep.equal({ length: text.length })
      })
    }
  })

  describe('is refused', () => {
    for (const [name, text] of [
      ['that is an HTTP request', 'GET / HTTP/1.1\r\n'],
      ['that begins like one', 'P\0'],
      ['in lower case', 'proxy '],
      ['of version 1 without an end', `PROXY TCP4 ${' '.repeat(LONGEST)}`],
      ['of version 1 that ends after 107 bytes', `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`],
      ['of version 1 without addresses', 'PROXY TCP4\r\n'],
      ['of version 1 of another protocol', 'PROXY UDP4 192.0.2.7 192.0.2.8 1 2\r\n'],
      ['of version 1 with two spaces', 'PROXY TCP4  192.0.2.7 192.0.2.8 1 2\r\n'],
      ['of version 1 with more behind the ports', 'PROXY TCP4 192.0.2.7 192.0.2.8 1 2 3\r\n'],
      ['of version 1 with the other family', 'PROXY TCP4 ::1 ::2 1 2\r\n'],
      ['of version 1 with a zone', 'PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n'],
      ['of version 1 with a name', 'PROXY TCP4 localhost 192.0.2.8 1 2\r\n'],
      ['of version 1 with a short IPv4 address', 'PROXY TCP4 127.1 192.0.2.8 1 2\r\n'],
      ['of version 1 with a port too high', 'PROXY TCP4 192.0.2.7 192.0.2.8 65536 2\r\n'],
      ['of version 1 with a port that is none', 'PROXY TCP4 192.0.2.7 192.0.2.8 01 2\r\n'],
      ['of version 1 without a destination port', 'PROXY TCP4 192.0.2.7 192.0.2.8 1 \r\n'],
      ['of version 1 with NUL in it', 'PROXY TCP4 192.0.2.7\0 192.0.2.8 1 2\r\n'],
      ['of version 1 inside of one', 'PROXY PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n'],
      ['of version 3', proxyV2(0x31, 0x11, new Uint8Array(12))],
      ['of version 2 with another command', proxyV2(0x22, 0x11, new Uint8Array(12))],
      ['of version 2 over UDP', proxyV2(0x21, 0x12, new Uint8Array(12))],
      ['of version 2 of another family', proxyV2(0x21, 0x41, new Uint8Array(12))],
      ['of version 2 too short for IPv4', proxyV2(0x21, 0x11, new Uint8Array(11))],
      ['of version 2 too short for IPv6', proxyV2(0x21, 0x21, new Uint8Array(35))],
      ['of version 2 too short for Unix sockets', proxyV2(0x21, 0x31, new Uint8Array(215))],
      ['of version 2 that will be too long', proxyV2(0x21, 0x11, new Uint8Array(12), 65_535)]
    ] as const) {
      it(name, () => {
        expect(() => parseProxyHeader(bytesOf(text))).to.throw().with.property('name', 'InvalidMessageError')
      })
    }
  })

  it('is complete after its last byte and not before, whatever is behind it', () => {
    assert(property(valid, string({ unit: 'binary-ascii', maxLength: 20 }), (header, rest) => {
      const bytes = bytesOf(header + rest)

      for (let length = 0; length <= bytes.length; length++) {
        expect(parseProxyHeader(bytes.subarray(0, length))?.length).to.equal(length < header.length ? undefined : header.length)
      }
    }))
  })

  it('may be any bytes: they are a header, refused, or too few, and never too few for long', () => {
    const headerWith = (header: string, at: number, change: number): Uint8Array => {
      const bytes = bytesOf(header)
      bytes[at % bytes.length] = change

      return Buffer.concat([bytes, Buffer.alloc(LONGEST)])
    }

    assert(property(oneof(uint8Array({ maxLength: 100 }).map(bytes => Buffer.concat([bytes, Buffer.alloc(LONGEST)])), valid.chain(header => integer({ min: 0, max: LONGEST }).chain(at => byte.map(change => headerWith(header, at, change))))), bytes => {
      try {
        expect(parseProxyHeader(bytes)?.length).to.be.within(15, LONGEST)
      } catch (error: any) {
        expect(error.name, error.stack).to.equal('InvalidMessageError')
      }
    }), { numRuns: 1_000 })
  })
})
