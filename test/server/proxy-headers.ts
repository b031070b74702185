/** Headers of the PROXY protocol, as the document that defines it has them. */

const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n'

export function proxyV1 (source: string, port: number, family: 'TCP4' | 'TCP6' = source.includes(':') ? 'TCP6' : 'TCP4'): string {
  return `PROXY ${family} ${source} ${family === 'TCP6' ? '::1' : '127.0.0.1'} ${port} 443\r\n`
}

/** A byte per character. `rest`: addresses, ports and TLVs. */
export function proxyV2 (command: number, family: number, rest: number[] | Uint8Array, length = rest.length): string {
  return `${SIGNATURE}${String.fromCharCode(command, family, length >> 8, length & 0xff, ...rest)}`
}

/** Of version 2; an IPv4 address has 4 bytes, an IPv6 one 16. */
export function proxyV2From (address: number[], port: number, tlvs: number[] = []): string {
  const ports = [port >> 8, port & 0xff, 0x01, 0xbb]

  return proxyV2(0x21, address.length === 4 ? 0x11 : 0x21, [...address, ...address.map(() => 1), ...ports, ...tlvs])
}

export function bytesOf (text: string): Buffer {
  return Buffer.from(text, 'latin1')
}
