/** Who may come in: by the origin of its page, and by what it knows. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { BridgeAuth, BridgeRules } from './options.ts'
import type { Refusal } from '../server/index.ts'
import type { IncomingHttpHeaders } from 'node:http'

/** Nothing for those who may. */
export function checkAccess ({ headers }: { readonly headers: Readonly<IncomingHttpHeaders> }, { origins, auth }: BridgeRules): Refusal | undefined {
  const { origin, authorization } = headers

  if (origins != null && origin != null && !origins.includes(origin)) {
    return { status: 403, reason: 'Origin not allowed' }
  }

  if (auth != null && !isAuthorized(auth, authorization ?? '')) {
    return { status: 401, headers: { 'WWW-Authenticate': challenge(auth) } }
  }
}

/** RFC 7617 and RFC 6750. Every secret is looked at, whichever fits. */
function isAuthorized ({ basic = {}, bearer = [] }: BridgeAuth, authorization: string): boolean {
  const [scheme, credentials = ''] = authorization.split(/ +/, 2)
  const known: Record<string, string[]> = {
    basic: Object.entries(basic).map(([name, password]) => Buffer.from(`${name}:${password}`).toString('base64')),
    bearer
  }
  const secrets = Object.hasOwn(known, scheme.toLowerCase()) ? known[scheme.toLowerCase()] : []

  return secrets.filter(secret => isEqual(secret, credentials)).length > 0
}

/** In the same time for any two. */
function isEqual (a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest())
}

function challenge ({ basic, bearer }: BridgeAuth): string {
  return [basic != null && 'Basic realm="bridge", charset="UTF-8"', bearer != null && 'Bearer realm="bridge"'].filter(Boolean).join(', ')
}
