/** Addresses for the specs of this folder: real peer ids, and arbitraries that know nothing of the code under test. */
import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import type { Address } from '../../src/address/index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

export const PEER = '12D3KooWJoZKkj3sJVB1xRy2ooBQjYdt4mTVfwuzoFtzRJhXgRf4'
export const OTHER_PEER = 'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'

/** Printable, and no two slashes in front: what may follow the method in a request line. */
export const REQUEST_TARGET = /^\/(?!\/)[!-~]*$/

const name = fc.stringMatching(/^([a-z][a-z0-9_]{0,8}\.){0,3}[a-z][a-z0-9]{0,8}$/)
const ip6 = fc.ipV6().map(ip => new URL(`http://[${ip}]`).hostname.slice(1, -1))
const zone = fc.stringMatching(/^[\w.~-]{1,12}$/)
const port = fc.integer({ min: 0, max: 65_535 })

// segments start with a letter: URL resolves `.` and `..`, also where they are escaped
const path = fc.stringMatching(/^(\/[a-z]([\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}){0,8}){0,3}\/?(\?([\w.~!$&()*+,;=:@/?-]|%[0-9A-Fa-f]{2}){1,12})?$/)
  .map(text => text.startsWith('/') ? text : `/${text}`)

const peerId = fc.oneof(
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map(key => encodePeerId([0x00, 0x24, 0x08, 0x01, 0x12, 0x20, ...key])),
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map(hash => encodePeerId([0x12, 0x20, ...hash]))
)

const host = fc.oneof(
  fc.ipV4().map(host => ({ host, family: 4 as const })),
  ip6.map(host => ({ host, family: 6 as const })),
  fc.record({ host: ip6, family: fc.constant(6 as const), zone }),
  fc.record({ host: name, family: fc.constantFrom(0 as const, 4 as const, 6 as const) })
)

const endpoint = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(host, port).map(([host, port]) => ({ ...host, port })) },
  fc.string({ unit: 'binary', minLength: 1 })
    .filter(text => !text.includes('\0'))
    .map(unixPath => ({ host: '', family: 0 as const, port: 0, unixPath }))
)

const layers = fc.oneof(
  fc.record({ tls: fc.boolean() }),
  fc.record({ tls: fc.constant(true), serverName: fc.oneof(name, name.map(name => `*.${name}`)) })
)

const suffix = fc.record({ path, peerId }, { requiredKeys: ['path'] })

/** Any address that parsing can give. */
export const addresses: fc.Arbitrary<Address> = fc.tuple(endpoint, layers, suffix)
  .map(([endpoint, layers, suffix]): Address => ({ ...endpoint, ...layers, ...suffix }))
  .filter(({ host, serverName }) => host !== serverName)

/** Whether one may dial it, but for its port: a name that stands for many is to listen on. */
export function hasOneName ({ serverName }: Address): boolean {
  return serverName == null || !serverName.startsWith('*')
}

/** Components, in text form, with every kind that the grammar knows and some that it does not. */
const component = fc.constantFrom(
  '/ip4/1.2.3.4', '/ip6/fe80::1', '/ip6zone/eth0', '/dns/a.example', '/dns4/b.example', '/dns6/c.example',
  '/dnsaddr/d.example', '/unix/%2Ftmp%2Fe.sock', '/tcp/0', '/tcp/8080', '/udp/1', '/tls', '/sni/f.example', '/sni/*.f.example', '/ws', '/wss',
  '/http', '/http-path/g%3Fh', '/http-path/i%20%0D%0Aj', `/p2p/${PEER}`, `/p2p/${OTHER_PEER}`, '/p2p-circuit', '/noise',
  '/quic-v1', '/memory/k'
)

/** Near misses: a sentence of the grammar in which components were put in, left out or moved. */
const nearMiss = fc.tuple(
  fc.constantFrom('/ip4/1.2.3.4/tcp/80', '/ip6/::1', '/ip6zone/eth0/ip6/fe80::1/tcp/1', '/dns4/a.example', '/unix/b'),
  fc.constantFrom('/ws', '/wss', '/tls/ws', '/tls/sni/c.example/ws', '/tls/sni/*.c.example/ws'),
  fc.constantFrom('', '/http-path/d', `/p2p/${PEER}`, `/http-path/d/p2p/${PEER}`, `/p2p/${PEER}/http-path/d`, `/p2p/${PEER}/http-path/d/p2p/${PEER}`),
  fc.array(fc.tuple(fc.nat({ max: 9 }), fc.nat({ max: 2 }), fc.option(component, { nil: '' })), { maxLength: 2 })
).map(([where, layers, suffix, edits]) => {
  const parts = multiaddr(`${where}${layers}${suffix}`).getComponents().map(c => multiaddr([c]).toString())

  edits.forEach(([at, remove, insert]) => parts.splice(at, remove, insert))

  return parts.join('')
})

/** Texts that are multiaddrs, and sometimes addresses. */
export const multiaddrTexts: fc.Arbitrary<string> = fc.oneof(
  nearMiss,
  fc.array(component, { maxLength: 8 }).map(parts => parts.join(''))
).map(text => text === '' ? '/' : text)

/** Any UTF-16, halves of surrogate pairs too, with more than its share of what parsers trip over. */
export const texts: fc.Arbitrary<string> = fc.string({
  unit: fc.oneof(
    fc.constantFrom('/', '//', '.', '..', '%', '%2e', '%0d', '?', '#', '@', ':', '[', ']', '\\', ' ', '\r\n', '\t', '\0', 'a', '1', 'NaN', 'ſ', 'İ'),
    fc.nat({ max: 0xffff }).map(unit => String.fromCharCode(unit))
  )
})

/** Anything that can be made of components: with values that no text could have. */
export const multiaddrs: fc.Arbitrary<Multiaddr> = fc.tuple(
  multiaddrTexts,
  fc.array(fc.option(texts, { freq: 2, nil: undefined }))
).map(([text, values]) => {
  const components = multiaddr(text).getComponents()
  const changed = components.map((c, i) => c.value == null || values[i] == null ? c : { ...c, value: values[i] })

  try {
    return multiaddr(changed)
  } catch {
    // multiaddr itself checks IP addresses and ports
    return multiaddr(components)
  }
})

function encodePeerId (multihash: number[]): string {
  return multiaddr(Uint8Array.from([0xa5, 0x03, multihash.length, ...multihash])).getComponents()[0].value ?? ''
}
