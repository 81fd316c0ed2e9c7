/**
 * The origin of an embed: the page's files, and the app's endpoints with the identity that the host's name says. Hands on
 * nothing that the page says of itself, and no endpoint that is the platform's.
 */

import type { IncomingMessage } from 'node:http'
import type { Configuration } from './devvit-json.ts'
import { fileOf, scriptOf, withScript } from './files.ts'
import { type Answer, answerOf, bodyOf } from './http.ts'
import { headersOf, type Session } from './identity.ts'
import type { Post } from './posts.ts'

/** Hands a request on to a process of the app. */
export type Forward = (
  question: { method: string; path: string; headers: IncomingMessage['headers']; body: Buffer },
  key?: string,
) => Promise<Answer>

/**
 * As far as documents say: no inline script, requests to its own origin only, WebAssembly allowed. Reddit's real header
 * was not seen.
 */
function policyFor(outer: string): string {
  const rules = {
    'default-src': "'none'",
    'script-src': "'self' 'wasm-unsafe-eval'",
    'style-src': "'self' 'unsafe-inline'",
    'img-src': "'self' data: blob:",
    'font-src': "'self' data:",
    'media-src': "'self' data: blob:",
    'connect-src': "'self'",
    'worker-src': "'self' blob:",
    'base-uri': "'self'",
    'form-action': "'none'",
    'frame-ancestors': outer,
  }
  return Object.entries(rules)
    .map((rule) => rule.join(' '))
    .join('; ')
}

/** The headers of a page's request that reach the app: all but what only the platform may say. */
function untrusted(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('devvit-')))
}

export async function serveEmbed(
  incoming: IncomingMessage,
  session: Session,
  post: Post,
  app: Configuration,
  outer: string,
  forward: Forward,
): Promise<Answer> {
  const method = incoming.method ?? 'GET'
  const { pathname, search } = new URL(incoming.url ?? '/', 'http://embed')
  if (pathname.startsWith('/api/')) {
    const body = await bodyOf(incoming)
    if (!body) return answerOf(413, 'more than the platform takes')
    const headers = { ...untrusted(incoming.headers), ...headersOf(app.name, session.viewer, post) }
    return forward({ method, path: pathname + search, headers, body }, `${session.viewer?.name} ${post.id}`)
  }
  if (pathname.startsWith('/internal/')) return answerOf(404, 'not found')
  if (method !== 'GET' && method !== 'HEAD') return answerOf(405, 'pages are for reading')
  const [, script] = /^\/__devvit\/(devvit\.v1\.min\.js|screenshot\.v1\.min\.js)$/.exec(pathname) ?? []
  if (script) return (await scriptOf(script)) ?? answerOf(404, 'not found')
  const file = await fileOf(app.client, pathname === '/' ? `/${app.entrypoints[post.entry]?.entry}` : pathname)
  if (!file) return answerOf(404, 'not found')
  if (!file.headers['content-type']?.startsWith('text/html')) return file
  const page = withScript(file)
  return { ...page, headers: { ...page.headers, 'content-security-policy': policyFor(outer) } }
}
