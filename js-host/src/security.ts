/** Headers that every response carries, and which origins may open a socket. */

/** What the headers depend on. */
export interface HeaderOptions {
  /** Origins that may embed the page, as in the CSP. */
  frame_ancestors: string
}

/**
 * The security headers of a response to `url`. Scripts are this origin's files and its wasm; nothing
 * inline, nothing evaluated. There is no `Access-Control-Allow-Origin`: other origins read nothing.
 */
export function securityHeaders(url: URL, options: HeaderOptions): readonly [string, string][] {
  const made = lastMade
  if (made?.origin === url.origin && made.options === options) return made.headers
  const headers = makeHeaders(url, options)
  lastMade = { origin: url.origin, options, headers }
  return headers
}

/** An isolate answers for one origin: its headers are made once. */
let lastMade: { origin: string; options: HeaderOptions; headers: readonly [string, string][] } | null = null

function makeHeaders(url: URL, { frame_ancestors }: HeaderOptions): [string, string][] {
  const socket = `${url.protocol === 'https:' ? 'wss' : 'ws'}://${url.host}`
  const policy = [
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "img-src 'self' data:",
    `connect-src 'self' ${socket}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${frame_ancestors}`,
  ]
  return [
    ['content-security-policy', policy.join('; ')],
    ['x-content-type-options', 'nosniff'],
    ['referrer-policy', 'no-referrer'],
    ['cross-origin-resource-policy', 'same-origin'],
    ['permissions-policy', 'camera=(), microphone=(), geolocation=()'],
  ]
}

/**
 * Whether a page of this origin may open a socket to `url`. A browser always names the origin, and
 * no page can forge it; who sends none is no page, and needs a token as anybody does.
 */
export function originAllowed(origin: string | null, url: URL, others: readonly string[]): boolean {
  return origin === null || origin === url.origin || others.includes(origin)
}
