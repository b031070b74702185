import { multiaddr, registry } from '@multiformats/multiaddr'
import { ipFamily } from './host.ts'
import type { Address } from './address.ts'
import type { Component, Multiaddr } from '@multiformats/multiaddr'

/**
 * The canonical multiaddr of an Address: the port always there, TLS as `/tls/ws`, `/http-path` only where the path is not
 * `/`.
 *
 * `/http-path` comes before `/p2p`, though the multiaddr examples have it last: libp2p looks for the peer id in the last
 * component only, would append a second one, and cuts off what follows it when it removes it.
 */
export function formatAddress (address: Address): Multiaddr {
  const { unixPath, serverName, path, peerId } = address

  return multiaddr([
    ...unixPath == null ? hostAndPort(address) : [component('unix', unixPath)],
    ...address.tls ? [component('tls')] : [],
    ...serverName == null ? [] : [component('sni', serverName)],
    component('ws'),
    ...path === '/' ? [] : [component('http-path', path)],
    ...peerId == null ? [] : [component('p2p', peerId)]
  ].slice()) // as large as it is: it may live as long as a connection
}

function hostAndPort ({ host, family, port, zone }: Address): Component[] {
  const kind = ipFamily(host) === 0 ? 'dns' : 'ip'

  return [
    ...zone == null ? [] : [component('ip6zone', zone)],
    component(`${kind}${family === 0 ? '' : family}`, host),
    component('tcp', `${port}`)
  ]
}

function component (name: string, value?: string): Component {
  const { code } = registry.getProtocol(name)

  return value == null ? { code, name } : { code, name, value }
}
