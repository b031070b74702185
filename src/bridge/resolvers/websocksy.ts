/** How websocksy writes peers and framings. */
import { resolve } from 'node:path'
import { parse } from '../framings/index.ts'
import { formatTarget, parseTarget } from '../target.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** Paths that are none. */
const MULTIADDR = /^\/(ip4|ip6|ip6zone|dns|dns4|dns6|unix)\//

/**
 * A peer: without a scheme it is TCP, or a Unix socket where it is a path. Multiaddrs are taken, too.
 *
 * @param text - `tcp://host:port`, `host:port`, `unix:///path`, ...
 * @param port - for a peer that names none
 * @throws {InvalidMultiaddrError} it is none of these
 */
export function websocksyPeer (text: string, port?: string): Multiaddr {
  const path = /^(?:unix:\/\/)?(\/.*)$/s.exec(text)?.[1] ?? /^unix:\/\/(.*)$/s.exec(text)?.[1]

  if (path != null && !MULTIADDR.test(text)) {
    // as it is: percent signs mean nothing
    return formatTarget({ kind: 'unix', path: resolve(path) })
  }

  const url = text.startsWith('/') || /^[a-z][a-z\d-]*:\/\//i.test(text) ? text : `tcp://${text}`

  return formatTarget(parseTarget(port != null && lacksPort(url) ? `${url}:${port}` : url))
}

/**
 * A framing, as we write it.
 *
 * @param name - as websocksy knows it
 * @param config - what it has in an option or column of its own
 * @throws {InvalidParametersError} there is no such framing, or it does not take this
 */
export function websocksyFraming (name: string, config: string = ''): string {
  const form = config === '' ? name : `${name}:${config}`
  parse(form)

  return form
}

function lacksPort (url: string): boolean {
  return /^(?:tcp|udp):\/\/(?:\[[^\]]*\]|[^:[\]]+)$/i.test(url)
}
