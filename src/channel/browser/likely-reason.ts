/**
 * Why a dial failed. A browser tells no page, lest it explores the network of its user: what is left are inferences.
 */
import { hostInBrowser, isLoopback, refusedByBrowser } from '../../address/browser.ts'
import { ipFamily } from '../../address/host.ts'
import type { Address } from '../../address/address.ts'

/**
 * @param address - that was dialled
 * @param error - of the browser
 * @param here - what is known about this browser
 * @param here.origin - of the page or worker
 * @param here.onLine - as `navigator` says
 */
export function likelyReason (address: Address, error: Error, here: { origin?: string, onLine?: boolean } = { origin: globalThis.origin, onLine: globalThis.navigator?.onLine }): string {
  const said = error.message === '' ? '' : ` (${error.message.replace(/\.$/, '')})`

  return `${refusedByBrowser(address, here.origin) ?? likely(address, here.onLine)}${said}`
}

function likely (address: Address, onLine: boolean = true): string {
  const host = hostInBrowser(address)

  if (!onLine && !isLoopback(host)) {
    return 'this browser is offline'
  }

  if (address.tls && ipFamily(host) !== 0) {
    return 'the browser does not say why; likely it does not trust the certificate, which few servers have for an IP address: dial a name, or /tls/sni/NAME/ws'
  }

  return address.tls
    ? 'the browser does not say why; is a WebSocket server there, with a certificate that the browser trusts?'
    : 'the browser does not say why; is a WebSocket server there, that listens on this path and wants no TLS?'
}
