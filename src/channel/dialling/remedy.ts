/**
 * What to do about a dial that failed: one sentence for each cause that people meet. `docs/dialling.md` says more.
 */
import { HASH_MISMATCH } from './tls.ts'
import type { DialStage } from '../../errors.ts'

type Facts = Error & { code?: string, status?: number, errors?: Error[] }

const NO_TLS = 'The server speaks no TLS on this port: dial /ws instead of /tls/ws'
const NO_COMMON_TLS = 'Both sides have no TLS version or cipher in common, or the server asks for a client certificate: set tls.cert and tls.key'

/** By the `code` of the native error. */
const BY_CODE = new Map<string, string>([
  ['ENOTFOUND', 'There is no such name: check its spelling, and the name server of this machine'],
  ['EAI_AGAIN', 'The name server does not answer: check the network of this machine'],
  ['EADDRINUSE', 'Choose another tcp.localPort, or none'],
  ['EADDRNOTAVAIL', 'tcp.localAddress must be one of this machine, and tcp.localPort free; without them, this machine is out of ports'],
  ['EINVAL', 'tcp.localAddress must be of the family of the address that is dialled'],
  ['ENETUNREACH', 'This machine has no route there: check its network, or dial an address of the other family'],
  ['EHOSTUNREACH', 'No route leads there: check the address, and firewalls'],
  ['EACCES', 'A firewall, or the rights of the socket file, forbid it'],
  ['EMFILE', 'This process has too many files open: raise its limit (ulimit -n), or dial less'],
  ['ENOENT', 'There is no such socket file: check its path, and that the server runs'],
  ['CERT_HAS_EXPIRED', 'The server needs a new certificate; check the clock of this machine'],
  ['CERT_NOT_YET_VALID', 'Check the clock of this machine'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'Dial a name of the certificate, write it as /tls/sni/NAME/ws, or set tls.servername'],
  [HASH_MISMATCH, 'Either the server has a new certificate, then ask its operator for the hash, or somebody is between you and it'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', NO_TLS],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', NO_TLS],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'The server asks for a client certificate: set tls.cert and tls.key'],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', NO_COMMON_TLS],
  ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', NO_COMMON_TLS]
])

/** By the status of a server that refused the upgrade. */
const BY_STATUS = new Map<number, string>([
  [400, 'The server does not understand the request: check the path, and that it speaks WebSocket; a TLS port needs /tls/ws'],
  [401, 'The server asks who you are: set headers.Authorization'],
  [403, 'The server does not let you in: check headers.Authorization, Cookie and Origin'],
  [404, 'The server has nothing at this path: add /http-path to the address'],
  [426, 'The server wants another protocol: check the path and the port'],
  [429, 'Dial less often'],
  [502, 'The server behind the gateway is down, or speaks no WebSocket'],
  [503, 'The server is busy, or full: try again later'],
  [504, 'The server behind the gateway does not answer']
])

/** In the code of an error where TLS does not trust the other side. */
const CERTIFICATE = /CERT|SIGNATURE/
const UNTRUSTED = 'Trust its authority with tls.ca, or the certificate itself with tls.certificateHash'

/** With `proxy` it was dialled through that. */
export function remedyForFailure (stage: DialStage, cause: Facts, proxy: string | undefined): string {
  const { code, status = 0 } = cause.errors?.at(-1) as Facts | undefined ?? cause

  if (stage === 'proxy') {
    return remedyForProxy(status, code)
  }

  if (code === 'ECONNREFUSED') {
    return proxy == null ? 'Nothing listens there: check host and port, and that the server runs' : 'The proxy does not listen there: check its host and port'
  }

  if (stage === 'upgrade' && status >= 300 && status < 400) {
    return 'Dial where it leads, or set maxRedirects'
  }

  return BY_CODE.get(code ?? '') ?? BY_STATUS.get(status) ?? remedyForStage(stage, code)
}

/** With `proxy` it was dialled through that. */
export function remedyForTimeout (stage: DialStage, proxy: string | undefined): string {
  switch (stage) {
    case 'resolve': return 'The name server does not answer in time: check it, or raise handshakeTimeout'
    case 'connect': return `Nothing answers there: check ${proxy == null ? 'the address' : 'the proxy'}, and firewalls that drop packets`
    case 'proxy': return 'The proxy, or the server behind it, does not answer: check both, or raise handshakeTimeout'
    case 'tls': return 'The server does not answer to TLS: check the port, or raise handshakeTimeout'
    default: return 'The server does not answer: check that it speaks WebSocket on this port, or raise handshakeTimeout'
  }
}

function remedyForProxy (status: number, code: string = ''): string {
  if (CERTIFICATE.test(code)) {
    return 'Trust the certificate of the proxy with proxy.tls: its authority with ca, or itself with certificateHash'
  }

  if (status === 407) {
    return 'Write user and password into the URL of the proxy'
  }

  return status === 0
    ? 'Check the scheme of the proxy, http, https or socks5h, its port, and what it says in its log'
    : 'The proxy does not connect to this host and port: check its access rules, which often forbid ports other than 443'
}

function remedyForStage (stage: DialStage, code: string = ''): string {
  switch (stage) {
    case 'resolve': return 'Check the name, and the name server of this machine'
    case 'connect': return 'Check host and port, and the network between'
    case 'tls': return CERTIFICATE.test(code) ? UNTRUSTED : 'Check that the port speaks TLS, and tls of both sides'
    default: return 'Check that the server speaks WebSocket on this port and path'
  }
}
