import { multiaddr } from '@multiformats/multiaddr'
import { ipFamily } from './host.ts'
import type { Address } from './address.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * The canonical multiaddr of an Address: the port always there, TLS as `/tls/ws`, `/http-path` only where the path is not
 * `/`.
 *
 * `/http-path` comes before `/p2p`, though the multiaddr examples have it last: libp2p looks for the peer id in the last
 * component only, would append a second one, and cuts off what follows it when it removes it.
 */
export function formatAddress (address: Address): Multiaddr {
  const { path, peerId } = address

  return multiaddr([
    address.unixPath == null ? hostAndPort(address) : `/unix/${encodeURIComponent(address.unixPath)}`,
    address.tls ? '/tls' : '',
    address.serverName == null ? '' : `/sni/${address.serverName}`,
    '/ws',
    path === '/' ? '' : `/http-path/${encodeURIComponent(path.slice(1))}`,
    peerId == null ? '' : `/p2p/${peerId}`
  ].join(''))
}

function hostAndPort ({ host, family, port, zone }: Address): string {
  const kind = ipFamily(host) === 0 ? 'dns' : 'ip'

  return `${zone == null ? '' : `/ip6zone/${zone}`}/${kind}${family === 0 ? '' : family}/${host}/tcp/${port}`
}
