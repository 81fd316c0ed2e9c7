/**
 * The service worker: keeps the files of one build, so that the page begins without network from the second visit on.
 * Decides which requests it answers: files of the build by what it keeps, a page by the network if that answers soon, and
 * nothing else. The API never passes through it.
 */

import { clientsClaim } from 'workbox-core'
import { cleanupOutdatedCaches, matchPrecache, type PrecacheEntry, precacheAndRoute } from 'workbox-precaching'
import { NavigationRoute, registerRoute } from 'workbox-routing'

/** The files of the build: the bundler fills them in. */
declare const __BUILD__: PrecacheEntry[]

/** For so long the network may take to bring a page, in milliseconds. */
const PATIENCE_MS = 4_000

// A new worker takes over at once. Pages of the build before have what they need, or ask the network as ever; a page is
// always the network's if there is one, so it is never older than its files.
void (self as unknown as { skipWaiting(): Promise<void> }).skipWaiting()
clientsClaim()
cleanupOutdatedCaches()
registerRoute(
  new NavigationRoute(
    async ({ request }) => {
      const answer = await soon(fetch(request)).catch(() => null)
      // A host that is down for a moment may have something in front of it that answers.
      if (answer && answer.status < 500) return answer
      return (await matchPrecache('index.html')) ?? answer ?? Response.error()
    },
    { denylist: [/\/api\//] },
  ),
)
precacheAndRoute(__BUILD__, { ignoreURLParametersMatching: [] })

/** @throws if it takes too long, or fails */
function soon<T>(work: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('late')), PATIENCE_MS))
  return Promise.race([work, late])
}
