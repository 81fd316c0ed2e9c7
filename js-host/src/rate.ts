/**
 * How often somebody may ask: a token bucket per key, in memory. An isolate counts for itself, so
 * the limit is per isolate: it keeps one caller from taking a host, not a crowd. Decides nothing
 * about who a caller is.
 */

/** A bucket's size and how fast it fills. */
export interface Rate {
  /** Requests per second in the long run; 0 means no limit. */
  per_second: number
  /** Requests at once. */
  burst: number
}

/** Keys that are remembered, at most; the one seen longest ago is forgotten first. */
const MAX_KEYS = 10_000

/**
 * The key of an address: one of IPv6 counts with its /64, which is what one subscriber is given.
 * Whatever comes in is only ever a key.
 */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address
  const [front = '', back] = address.split('::')
  const groups = front === '' ? [] : front.split(':')
  const tail = back === undefined || back === '' ? [] : back.split(':')
  while (back !== undefined && groups.length + tail.length < 8) groups.push('0')
  return [...groups, ...tail]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')
}

interface Bucket {
  tokens: number
  at_ms: number
}

/** Buckets of one rate. */
export class RateLimit {
  readonly #rate: Rate
  readonly #now: () => number
  /** In the order in which keys were last seen. */
  readonly #buckets = new Map<string, Bucket>()

  constructor(rate: Rate, now: () => number = Date.now) {
    this.#rate = rate
    this.#now = now
  }

  /** Takes a token. Returns 0, or after how many seconds to try again. */
  take(key: string): number {
    const { per_second, burst } = this.#rate
    if (per_second === 0) return 0
    const now_ms = this.#now()
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at_ms: now_ms }
    // A clock that was set back fills nothing.
    const passed_ms = Math.max(0, now_ms - bucket.at_ms)
    const tokens = Math.min(burst, bucket.tokens + (passed_ms / 1000) * per_second)
    const taken = tokens >= 1
    this.#buckets.delete(key)
    this.#buckets.set(key, { tokens: taken ? tokens - 1 : tokens, at_ms: now_ms })
    if (this.#buckets.size > MAX_KEYS) this.#buckets.delete(this.#buckets.keys().next().value ?? '')
    return taken ? 0 : Math.ceil((1 - tokens) / per_second)
  }
}
