/** What requests cost in calls of the platform, told apart by what they did. */

import type { Calls, RequestCalls } from '../../../js-host/devvit/local/rpc.ts'

/** What a request did: read, put into the inbox, or append a frame; or nothing, since it went with another. */
export type Deed = 'polled' | 'followed' | 'led' | 'went along'

function deedOf({ redis, names }: RequestCalls): Deed {
  if (redis === 0) return 'went along'
  // A lease is renewed with every frame, and with nothing else.
  if (names.Set) return 'led'
  return names.HSetNX ? 'followed' : 'polled'
}

/** The calls to Redis of each request to a room since `before`, by what it did. */
export function costs(before: Calls, after: Calls): Record<Deed, number[]> {
  const found: Record<Deed, number[]> = { polled: [], followed: [], led: [], 'went along': [] }
  for (const [id, request] of Object.entries(after.requests)) {
    if (id in before.requests || !request.route.startsWith('POST /api/rooms')) continue
    found[deedOf(request)].push(request.redis)
  }
  return found
}

/** Commands of Redis between two counts. */
export function commands(before: Calls, after: Calls): number {
  const sum = ({ calls }: Calls) =>
    Object.entries(calls).reduce((sum, [name, count]) => (name === 'Send' ? sum : sum + count), 0)
  return sum(after) - sum(before)
}
