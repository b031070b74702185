/**
 * The header of the PROXY protocol, versions 1 and 2, in which a proxy says whom it speaks for
 * (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt). Pure: bytes in, a header out.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { InvalidMessageError } from '@libp2p/interface'

/** One end of a connection: an IP address and a port, 0 where it is not known. */
export interface Peer {
  readonly host: string
  readonly port: number
}

export interface ProxyHeader {
  /** The client; undefined where the proxy speaks for itself or does not know it. */
  readonly source?: Peer
  /** Its bytes: what is behind them is the client's. */
  readonly length: number
}

const V1_PREFIX = Buffer.from('PROXY ')
/** Version 1 ends with CRLF within so many bytes (section 2.1). */
const V1_MAX = 107
const V2_SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
/** The signature, version and command, family and protocol, and the length of the rest. */
const V2_FIXED = 16
/** As much of version 2, with its TLVs, as nginx takes. */
const V2_MAX = 4_096

const V2_LOCAL = 0x20
const V2_PROXY = 0x21

/** Family and protocol to the bytes of one address; others than those of TCP over IP are not for us. */
const V2_IP = new Map([[0x11, 4], [0x21, 16]])
/** No family, and Unix streams: valid, but no address for us. Both ends of the latter have 108 bytes. */
const V2_OTHER = new Map([[0x00, 0], [0x31, 216]])

const PORT = /^(0|[1-9]\d{0,4})$/

/**
 * The header at the beginning of these bytes.
 *
 * @returns undefined while it is not complete
 * @throws {InvalidMessageError} it is none, or too long; as soon as that can be known
 */
export function parseProxyHeader (bytes: Uint8Array): ProxyHeader | undefined {
  if (startsAs(bytes, V1_PREFIX)) {
    return parseV1(bytes)
  }

  if (startsAs(bytes, V2_SIGNATURE)) {
    return parseV2(bytes)
  }

  throw new InvalidMessageError('Not a PROXY header: a trusted proxy must send one, see proxyProtocol')
}

function parseV1 (bytes: Uint8Array): ProxyHeader | undefined {
  const text = Buffer.from(bytes.subarray(0, V1_MAX)).toString('latin1')
  const end = text.indexOf('\r\n')

  if (end === -1) {
    if (bytes.length >= V1_MAX) {
      throw new InvalidMessageError(`A PROXY header of more than ${V1_MAX} bytes`)
    }

    return
  }

  const [, protocol, ...ends] = text.slice(0, end).split(' ')
  const length = end + 2

  // what may stand behind it is to be ignored
  if (protocol === 'UNKNOWN') {
    return { length }
  }

  const [source, destination, sourcePort, destinationPort] = ends
  const isIp = protocol === 'TCP4' ? isIPv4 : isIPv6

  if (!/^TCP[46]$/.test(protocol) || ends.length !== 4 || ![source, destination].every(ip => isIp(ip) && !ip.includes('%')) || ![sourcePort, destinationPort].every(isPort)) {
    throw new InvalidMessageError(`Not a PROXY header: ${JSON.stringify(text.slice(0, end))}`)
  }

  return { source: { host: source, port: Number(sourcePort) }, length }
}

function parseV2 (bytes: Uint8Array): ProxyHeader | undefined {
  const [command, family] = bytes.subarray(V2_SIGNATURE.length)

  // unknown ones, undefined in a map of numbers, fail at the length below
  if (command != null && command !== V2_LOCAL && command !== V2_PROXY) {
    throw new InvalidMessageError(`A PROXY header of an unknown version or command, ${hex(command)}`)
  }

  if (bytes.length < V2_FIXED) {
    return
  }

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const size = view.getUint16(V2_FIXED - 2)
  const length = V2_FIXED + size
  const addressLength = V2_IP.get(family)
  const needed = addressLength == null ? V2_OTHER.get(family) : 2 * (addressLength + 2)

  if (length > V2_MAX) {
    throw new InvalidMessageError(`A PROXY header of ${length} bytes: ${V2_MAX} are the limit`)
  }

  if (command === V2_PROXY && (needed == null || size < needed)) {
    throw new InvalidMessageError(`A PROXY header of ${length} bytes for family and protocol ${hex(family)}`)
  }

  if (bytes.length < length) {
    return
  }

  if (command === V2_LOCAL || addressLength == null) {
    return { length }
  }

  const host = bytes.subarray(V2_FIXED, V2_FIXED + addressLength)

  return { source: { host: ipText(host), port: view.getUint16(V2_FIXED + 2 * addressLength) }, length }
}

/** Whether these bytes begin with the prefix, as far as there are any. */
function startsAs (bytes: Uint8Array, prefix: Uint8Array): boolean {
  return Buffer.compare(bytes.subarray(0, prefix.length), prefix.subarray(0, bytes.length)) === 0
}

function ipText (bytes: Uint8Array): string {
  if (bytes.length === 4) {
    return bytes.join('.')
  }

  return (Buffer.from(bytes).toString('hex').match(/.{4}/g) ?? []).join(':')
}

function isPort (text: string): boolean {
  return PORT.test(text) && Number(text) <= 0xffff
}

function hex (byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`
}
