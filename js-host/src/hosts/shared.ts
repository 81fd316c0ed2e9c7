/**
 * What a data centre keeps for everybody: answers that say so themselves (`router.ts`), in the platform's cache. Without it
 * each spectator's read would be one of the room's object, since nothing caches what a Worker answers. Must not know what
 * is in an answer. Does nothing where the platform has no cache (`workers.dev`).
 */

/** Paths of which some answers are the same for everybody. */
const SHARED = /^\/api\/rooms\/[^/]+\/[^/]+\/(tail|snapshot|frames\/[^/]+\/[^/]+)$/

/** Answers from the cache if it can, else asks, and keeps the answer if that may be kept. */
export async function shared(
  request: Request,
  hold: (work: Promise<unknown>) => void,
  ask: () => Promise<Response>,
): Promise<Response> {
  const { pathname, search } = new URL(request.url)
  if (request.method !== 'GET' || search !== '' || !SHARED.test(pathname)) return ask()
  // Of the request its URL counts alone: who asks makes no difference to these.
  const found = await caches.default.match(request.url)
  if (found) return found
  const answer = await ask()
  const caching = answer.headers.get('cache-control') ?? ''
  if (answer.status === 200 && caching.startsWith('public')) hold(caches.default.put(request.url, answer.clone()))
  return answer
}
