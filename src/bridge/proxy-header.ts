/**
 * Writes the header of the PROXY protocol, versions 1 and 2, for a TCP connection: who is at its far ends.
 *
 * https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 */
import { multiaddr } from '@multiformats/multiaddr'
import type { Address } from '../address/index.ts'

/** Bytes 1 to 12 of version 2. */
const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

/** Version 2, command PROXY. */
const PROXY = 0x21

/** Address family and transport: TCP over IPv4, over IPv6, and unknown. */
const TCP4 = 0x11
const TCP6 = 0x21
const UNSPEC = 0x00

/** Where the client is, and where it connected to. */
export interface ClientEnds {
  readonly remote: Address
  readonly local: Address
}

export function proxyHeader (version: 1 | 2, { remote, local }: ClientEnds): Uint8Array {
  // a Unix socket has no family
  const ends = remote.family === 0 || local.family === 0 ? undefined : { remote, local }

  return version === 1 ? headerLine(ends) : headerBytes(ends)
}

function headerLine (ends?: ClientEnds): Uint8Array {
  if (ends == null) {
    return Buffer.from('PROXY UNKNOWN\r\n')
  }

  const { remote, local } = ends
  const family = familyOf(ends)

  return Buffer.from(`PROXY TCP${family} ${hostOf(remote, family)} ${hostOf(local, family)} ${remote.port} ${local.port}\r\n`)
}

function headerBytes (ends?: ClientEnds): Uint8Array {
  if (ends == null) {
    return Buffer.concat([SIGNATURE, Buffer.from([PROXY, UNSPEC, 0, 0])])
  }

  const { remote, local } = ends
  const family = familyOf(ends)
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(remote.port, 0)
  ports.writeUInt16BE(local.port, 2)
  const addresses = Buffer.concat([ipBytes(hostOf(remote, family), family), ipBytes(hostOf(local, family), family), ports])

  return Buffer.concat([SIGNATURE, Buffer.from([PROXY, family === 4 ? TCP4 : TCP6, 0, addresses.length]), addresses])
}

/** A client behind another proxy may be of another family than our end. */
function familyOf ({ remote, local }: ClientEnds): 4 | 6 {
  return remote.family === 4 && local.family === 4 ? 4 : 6
}

function hostOf ({ host, family }: Address, wanted: 4 | 6): string {
  return family === 4 && wanted === 6 ? `::ffff:${host}` : host
}

function ipBytes (host: string, family: 4 | 6): Uint8Array {
  // behind the code of the protocol, one byte
  return multiaddr(`/ip${family}/${host}`).bytes.subarray(1)
}
