// Everything but RFC 3986 `pchar`, `/` and `?`; a `%` that starts no escape is illegal too.
const ILLEGAL = /%(?![\dA-Fa-f]{2})|[^\w\-.~!$&'()*+,;=:@/?%]/gu

/**
 * The request target as it goes on the wire: path and query, percent encoded, starting with exactly one `/`.
 *
 * Escapes in `text` are kept. What may not stand in a request target is escaped, so that spaces, line ends and other
 * control characters never reach the request line; so is `#`, because a request target has no fragment.
 *
 * `.` and `..` segments are resolved as URL does, since the request is made from a URL. Leading slashes become one:
 * `//a/b` would read as host `a` where the other side resolves it against a URL.
 *
 * @param text - path and query, with or without the leading `/`, raw or already encoded
 */
export function requestTarget (text: string): string {
  const escaped = text.toWellFormed().replace(ILLEGAL, encodeURIComponent)
  const { pathname, search } = new URL(`ws://localhost/${escaped}`)

  return `${pathname}${search}`.replace(/^\/+/, '/')
}
