import { impossibleInBrowser, refusedByBrowser } from '../address/browser.ts'
import { readDialAddress } from '../address/index.ts'
import type { WebSocketsInit } from '../index.ts'
import type { Multiaddr } from '@multiformats/multiaddr'

/** A browser listens nowhere. */
export function listenFilter (): Multiaddr[] {
  return []
}

/** Those that this browser would dial: others fail, and each failure is an error in its console. */
export function dialFilter (mas: Multiaddr[], { browserFilter = true }: WebSocketsInit): Multiaddr[] {
  return mas.filter(ma => accepts(ma, browserFilter))
}

function accepts (ma: Multiaddr, browserFilter: boolean): boolean {
  try {
    const address = readDialAddress(ma)

    return impossibleInBrowser(address) == null && (!browserFilter || refusedByBrowser(address, globalThis.origin) == null)
  } catch {
    return false
  }
}
