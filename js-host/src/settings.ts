/**
 * What an operator may set, as text variables of the environment, and what is refused. A bad
 * setting never half works: the host answers `misconfigured` and its log names the variable, not
 * its value. Must not know where the variables come from.
 */

import * as v from 'valibot'
import type { Rate } from './rate'

/** Where the handler runs: beside the room's store, or in front of it. */
export type Mode = 'embedded' | 'stateless'

/** Settings of a host. */
export interface Settings {
  /** `BATON_MODE`: `embedded` (default) or `stateless`. */
  mode: Mode
  /**
   * `BATON_STORE`: where rooms are. Default: on Workers `object`, the room's Durable Object; on Node `memory`. Or
   * `https://…`, Redis over HTTP; on Node `redis://…` or `rediss://…`, Redis over TCP, and several of these with commas
   * between, a cluster (twice the same where it has one address). `kv` is refused, with the reason.
   */
  store: string | null
  /** `BATON_STORE_TOKEN`, a secret: what Redis over HTTP wants to see. */
  store_token: string
  /** `BATON_KEYS`, a secret: `<id>:<base64url of 32 bytes>[,<older id>:…]`; the first signs, all verify. */
  keys: string
  /**
   * `BATON_ADMIN_KEY`, a secret of 32 characters or more: who has it is the operator, who reads every room's log and acts as
   * the server. Default none: then there are no such routes.
   */
  admin_key: string | null
  /** `BATON_AUDIENCE`: tokens are for this deployment alone. Default `baton`. */
  audience: string
  /** `BATON_ROOMS`: JSON for the handler's `configure`, which says what may be in it. Default `{}`. */
  rooms: string
  /** `BATON_ORIGINS`: other origins whose pages may open sockets, with commas between. Default none. */
  origins: string[]
  /** `BATON_FRAME_ANCESTORS`: origins that may embed the page, with spaces between. Default `'self'` and Reddit's. */
  frame_ancestors: string
  /** `BATON_RATE_USER`, `<per second>/<burst>`, requests of one user; `0/0` for no limit. Default `40/120`. */
  rate_user: Rate
  /** `BATON_RATE_ADDRESS`: of one address. Default `400/1200`. */
  rate_address: Rate
  /** `BATON_RATE_GUEST`: new guests of one address. Default `1/60`. */
  rate_guest: Rate
  /**
   * `BATON_ADDRESS_HEADER`, on Node: the header in which the proxy before this process names the address; its last one
   * counts. Only behind a proxy that sets it: else anybody is whom they say. Default none: the connection's address.
   */
  address_header: string | null
  /** `BATON_STORE_TIMEOUT_MS`: how long a store may take, 100 to 60,000. Default 5,000. */
  store_timeout_ms: number
  /** `BATON_LOG`: `errors` (500 and above; default), `refused` (400 and above) or `all` requests. */
  log: 'errors' | 'refused' | 'all'
}

/** Why a setting is refused: it is not as described, or names a store on which rooms cannot be. */
export type SettingCode = 'bad_setting' | 'undecided_store'

/** A setting that is refused. Names the variable. */
export class SettingError extends Error {
  override readonly name = 'SettingError'
  readonly code: SettingCode

  constructor(message: string, code: SettingCode = 'bad_setting') {
    super(message)
    this.code = code
  }
}

/** What the log says of why a host does not start. */
export function trouble(error: unknown): { message: string; code?: SettingCode } {
  if (error instanceof SettingError) return { code: error.code, message: error.message }
  return { message: error instanceof Error ? error.message : 'unknown' }
}

const origin = /^https?:\/\/[a-z0-9.-]+(:\d{1,5})?$/
const ancestor = /^('self'|'none'|https:\/\/(\*\.)?[a-z0-9.-]+(:\d{1,5})?)$/
/** Two instances that lead race for the next frame, and one must lose: here both would be told that they wrote it. */
const NO_KV =
  'BATON_STORE: Workers KV cannot decide a race. It has no write that fails where another came first, ' +
  'shows a write elsewhere up to a minute later, and takes one a second for a key. Rooms need object, or Redis by https://…'
const STORE = /^(object|memory|https?:\/\/[^\s,]+|rediss?:\/\/[^\s,]+(,rediss?:\/\/[^\s,]+)*)$/
const REDDIT = "'self' https://*.reddit.com https://reddit.com https://*.devvit.net"

const variables = {
  BATON_MODE: v.optional(v.picklist(['embedded', 'stateless']), 'embedded'),
  BATON_STORE: v.optional(v.pipe(v.string(), v.regex(STORE))),
  BATON_STORE_TOKEN: v.optional(v.pipe(v.string(), v.regex(/^[\x21-\x7e]{0,1000}$/)), ''),
  BATON_KEYS: v.pipe(v.string(), v.minLength(1)),
  BATON_ADMIN_KEY: v.optional(v.pipe(v.string(), v.regex(/^[\x21-\x7e]{32,200}$/))),
  BATON_AUDIENCE: v.optional(v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,100}$/)), 'baton'),
  BATON_ROOMS: v.optional(v.string(), '{}'),
  BATON_ORIGINS: v.optional(words(',', origin), ''),
  BATON_FRAME_ANCESTORS: v.optional(words(' ', ancestor), REDDIT),
  BATON_RATE_USER: v.optional(rate(), '40/120'),
  BATON_RATE_ADDRESS: v.optional(rate(), '400/1200'),
  BATON_RATE_GUEST: v.optional(rate(), '1/60'),
  BATON_ADDRESS_HEADER: v.optional(v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,64}$/i))),
  BATON_STORE_TIMEOUT_MS: v.optional(
    v.pipe(v.string(), v.regex(/^\d{1,6}$/), v.transform(Number), v.minValue(100), v.maxValue(60_000)),
    '5000',
  ),
  BATON_LOG: v.optional(v.picklist(['errors', 'refused', 'all']), 'errors'),
}

/** Reads the variables. @throws SettingError */
export function settingsOf(environment: object): Settings {
  if ('BATON_STORE' in environment && /^kv\b/i.test(String(environment.BATON_STORE))) {
    throw new SettingError(NO_KV, 'undecided_store')
  }
  const parsed = v.safeParse(v.object(variables), environment)
  if (!parsed.success) {
    const [issue] = parsed.issues
    throw new SettingError(`${v.getDotPath(issue) ?? 'the environment'} is missing or not as described`)
  }
  const set = parsed.output
  return {
    mode: set.BATON_MODE,
    store: set.BATON_STORE ?? null,
    store_token: set.BATON_STORE_TOKEN,
    keys: set.BATON_KEYS,
    admin_key: set.BATON_ADMIN_KEY ?? null,
    audience: set.BATON_AUDIENCE,
    rooms: set.BATON_ROOMS,
    origins: set.BATON_ORIGINS,
    frame_ancestors: set.BATON_FRAME_ANCESTORS.join(' '),
    rate_user: set.BATON_RATE_USER,
    rate_address: set.BATON_RATE_ADDRESS,
    rate_guest: set.BATON_RATE_GUEST,
    address_header: set.BATON_ADDRESS_HEADER ?? null,
    store_timeout_ms: set.BATON_STORE_TIMEOUT_MS,
    log: set.BATON_LOG,
  }
}

/** Words with a separator between, each of one form. */
function words(separator: string, form: RegExp) {
  return v.pipe(
    v.string(),
    v.transform((text) =>
      text
        .split(separator)
        .map((word) => word.trim())
        .filter((word) => word !== ''),
    ),
    v.array(v.pipe(v.string(), v.regex(form))),
  )
}

function rate() {
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,6}(\.\d{1,3})?\/\d{1,6}$/),
    v.transform((text): Rate => {
      const [per_second = 0, burst = 0] = text.split('/').map(Number)
      return { per_second, burst }
    }),
    v.check(({ per_second, burst }) => per_second === 0 || burst >= 1),
  )
}
