/**
 * The routes, the same on every host: what they take, what they refuse and how they answer. Who
 * asks comes from the verified token alone, or from the platform alone; headers and bodies that
 * claim an identity are not looked at. Must not know where the handler runs, or what is in a request or a reply.
 */

import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import * as v from 'valibot'
import { readBody, readJson } from './body'
import type { Arrival, Call, Content, Identity, Outcome } from './effect'
import { REFUSALS, type RefusalCode, Refused, refusalBody } from './errors'
import { MAX_REQUEST_BYTES, SEGMENT, TAIL_MS } from './limits'
import { type Fields, type Level, log } from './log'
import { Limited, limit, Operator } from './operator'
import { addressKey, RateLimit } from './rate'
import { originAllowed, securityHeaders } from './security'
import type { Session, Sessions } from './session'
import type { Settings } from './settings'

/** Who asks, where the platform has verified it: `null` is nobody who is logged in. Tokens are not read then. */
export type Verified = () => Identity | null

/** What a host gives its router. */
export interface Ports {
  settings: Settings
  /** Who asks: by signed sessions, or by the platform. */
  callers: Sessions | Verified
  /** The kinds of room that the handler serves. */
  kinds: ReadonlySet<string>
  /** Of these, the kinds whose rooms are users' own: there the name `me` is the caller's. */
  personal: ReadonlySet<string>
  /** Asks a room; always answers. `hold` keeps the platform from stopping the request meanwhile. */
  ask(kind: string, name: string, arrival: Arrival, hold: (work: Promise<unknown>) => void): Promise<Outcome>
  /** Opens the live socket of a room for a caller who may watch it; null where a host has none. */
  live: ((kind: string, name: string, request: Request) => Promise<Response>) | null
  /** The same as a stream of events; null where a host has none. A stream that is null is one too many. */
  stream: ((kind: string, name: string) => Promise<ReadableStream<Uint8Array> | null>) | null
  /** The address the request came from, as the platform says; null if it does not. */
  address(request: Request): string | null
  /** What `GET /api/health` adds. */
  health(): Fields
  /** A file of the page. */
  page(request: Request): Promise<Response>
  /** Whether requests come with an execution context. */
  holds: boolean
  now?: () => number
}

/** The sub-protocol of the live socket. A token may stand beside it, where no header can. */
export const LIVE_PROTOCOL = 'baton.v1'
/** The content type of a stream of frames. */
export const EVENTS_TYPE = 'text/event-stream'
/** The content type of a request and of a reply. */
export const BATON_TYPE = 'application/vnd.baton'

const CONTENT_TYPES: Record<Content, string | null> = {
  reply: BATON_TYPE,
  json: 'application/json; charset=utf-8',
  block: 'application/vnd.baton.frames',
  empty: null,
}
/** What caches may do with an answer that is the same for everybody. Where nothing is said: nothing. */
const CACHING = {
  /** A full block: named by the hash that it ends in, it never changes, whatever becomes of the room. */
  block: 'public, max-age=31536000, immutable',
  /** Of many who ask meanwhile, one asks the host. */
  tail: `public, max-age=${TAIL_MS / 1000}, stale-while-revalidate=${TAIL_MS / 1000}`,
}
/** Query parameters in which a token was ever put: in a URL it ends up in logs. */
const TOKEN_PARAMETERS = /^(access_)?token$|^auth(orization)?$|^jwt$|^key$|^session$/i

const SessionBody = v.strictObject({ token: v.optional(v.string()) })

type Environment = { Variables: { code: string } }
type Ask = Context<Environment>

/** A router for one deployment. */
export function createRouter(ports: Ports): Hono<Environment> {
  const app = new Hono<Environment>()
  const guard = new Guard(ports)

  app.use(async (c, next) => {
    const id = crypto.randomUUID()
    const began_ms = Date.now()
    await next()
    const { status } = c.res
    if (status !== 101) {
      for (const [name, value] of securityHeaders(new URL(c.req.url), ports.settings)) c.header(name, value)
      c.header('x-request-id', id)
    }
    const level: Level = status >= 500 ? 'error' : status >= 400 ? 'warn' : 'info'
    const wanted = { errors: level === 'error', refused: level !== 'info', all: true }[ports.settings.log]
    const fields = { id, method: c.req.method, path: c.req.path, status, ms: Date.now() - began_ms }
    if (wanted) log(level, 'request', { ...fields, ...(c.get('code') ? { code: c.get('code') } : {}) })
  })
  app.use('/api/*', async (c, next) => {
    guard.address(c)
    guard.query(c)
    await next()
  })

  route(app, '/api/health', {
    GET: async (c) => c.json({ ...ports.health(), kinds: [...ports.kinds] }, 200, { 'cache-control': 'no-store' }),
  })
  route(app, '/api/session', { POST: async (c) => session(c, guard) })
  route(app, '/api/rooms/:kind/:name', {
    POST: async (c) => {
      const who = await guard.caller(c)
      const [kind, name] = room(c, ports, who)
      const request = await readBody(c.req.raw, BATON_TYPE, MAX_REQUEST_BYTES)
      return answer(c, await ask(c, ports, kind, name, { who, call: { tag: 'play', request } }))
    },
  })
  route(app, '/api/rooms/:kind/:name/order', {
    POST: async (c) => {
      const who = await guard.caller(c)
      const [kind, name] = room(c, ports, who)
      const order = await readBody(c.req.raw, BATON_TYPE, MAX_REQUEST_BYTES)
      return answer(c, await ask(c, ports, kind, name, { who, call: { tag: 'order', order } }))
    },
  })
  route(app, '/api/rooms/:kind/:name/view', {
    GET: async (c) => {
      const who = await guard.caller(c)
      const [kind, name] = room(c, ports, who)
      return answer(c, await ask(c, ports, kind, name, { who, call: { tag: 'view' } }))
    },
  })
  route(app, '/api/rooms/:kind/:name/frames/:range/:hash', {
    GET: async (c) => {
      const [kind, name] = room(c, ports, null)
      const call = block(c)
      // Without a caller: what is cached must not depend on who asked first.
      const outcome = await ask(c, ports, kind, name, { who: null, call })
      if (outcome.content !== 'block') return answer(c, outcome)
      return answer(c, outcome, { 'cache-control': CACHING.block, etag: `"${c.req.param('hash')}"` })
    },
  })
  for (const tag of ['tail', 'snapshot'] as const) {
    route(app, `/api/rooms/:kind/:name/${tag}`, {
      GET: async (c) => {
        const [kind, name] = room(c, ports, null)
        const outcome = await ask(c, ports, kind, name, { who: null, call: { tag } })
        return answer(c, outcome, { 'cache-control': CACHING.tail })
      },
    })
  }
  if (ports.settings.admin_key !== null) operate(app, ports, ports.settings.admin_key)
  route(app, '/api/rooms/:kind/:name/live', { GET: async (c) => live(c, ports, guard) })

  app.all('/api', (c) => refuse(c, 'not_found'))
  app.all('/api/*', (c) => refuse(c, 'not_found'))
  app.all('*', async (c) => {
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD')
      return refuse(c, 'method_not_allowed', { allow: 'GET, HEAD' })
    const response = await ports.page(c.req.raw)
    // A response of the platform may be sealed: the headers are added to a copy.
    return new Response(response.body, response)
  })
  app.onError((error, c) => {
    if (error instanceof Limited) return refuse(c, 'rate_limited', { 'retry-after': String(error.after_s) })
    if (error instanceof Refused) return refuse(c, error.code)
    log('error', 'fault', { error: error.name, message: error.message })
    return refuse(c, 'internal')
  })
  return app
}

/** What the operator may do. Without a key in the settings there is none of it. */
function operate(app: Hono<Environment>, ports: Ports, key: string): void {
  const operator = new Operator(key, ports.now)
  const admit = (c: Ask) => operator.admit(c.req.header('authorization'), ports.address(c.req.raw))
  route(app, '/api/admin/rooms/:kind/:name/log/:from', {
    GET: async (c) => {
      await admit(c)
      const [kind, name] = room(c, ports, null)
      const from = /^[1-9]\d{0,14}$/.test(c.req.param('from') ?? '') ? Number(c.req.param('from')) : 0
      return answer(c, await ask(c, ports, kind, name, { who: null, call: { tag: 'log', from } }))
    },
  })
  route(app, '/api/admin/rooms/:kind/:name/send/:lineage', {
    POST: async (c) => {
      await admit(c)
      const [kind, name] = room(c, ports, null)
      const action = await readBody(c.req.raw, BATON_TYPE, MAX_REQUEST_BYTES)
      const parcel = operator.parcel(c.req.param('lineage') ?? '', action)
      return answer(c, await ask(c, ports, kind, name, { who: null, call: { tag: 'deliver', parcel } }))
    },
  })
}

type Handler = (c: Ask) => Promise<Response>

/** A path with its methods; every other method is refused by name. HEAD goes wherever GET goes. */
function route(app: Hono<Environment>, path: string, methods: Partial<Record<'GET' | 'POST', Handler>>): void {
  for (const [method, handler] of Object.entries(methods)) app.on(method, path, handler)
  const allow = methods.GET ? 'GET, HEAD' : 'POST'
  app.all(path, (c) => refuse(c, 'method_not_allowed', { allow }))
}

async function session(c: Ask, guard: Guard): Promise<Response> {
  const json = await readJson(c.req.raw)
  const body = v.safeParse(SessionBody, json)
  // To the schema an empty array is an object without fields.
  if (!body.success || Array.isArray(json)) throw new Refused('malformed')
  return c.json(await guard.session(c, body.output.token), 200, { 'cache-control': 'no-store' })
}

async function live(c: Ask, ports: Ports, guard: Guard): Promise<Response> {
  // What is a user's own is published nowhere.
  const [kind, name] = room(c, ports, null)
  if (ports.personal.has(kind)) throw new Refused('not_found')
  if (ports.stream && c.req.method === 'GET' && c.req.header('accept') === EVENTS_TYPE)
    return stream(c, ports, guard, kind, name)
  const offered = (c.req.header('sec-websocket-protocol') ?? '').split(',').map((each) => each.trim())
  const upgrade = c.req.header('upgrade')?.toLowerCase() === 'websocket'
  if (!ports.live || c.req.method !== 'GET' || !upgrade || offered[0] !== LIVE_PROTOCOL || offered.length > 2) {
    return refuse(c, 'upgrade_required', { upgrade: 'websocket', connection: 'upgrade' })
  }
  if (!originAllowed(c.req.header('origin') ?? null, new URL(c.req.url), ports.settings.origins)) {
    throw new Refused('origin')
  }
  const who = await guard.caller(c, offered[1])
  const outcome = await ask(c, ports, kind, name, { who, call: { tag: 'watch' } })
  return outcome.status < 300 ? ports.live(kind, name, c.req.raw) : answer(c, outcome)
}

/** Frames as events, for a caller who may watch. The token is in the header: nothing else opens a stream. */
async function stream(c: Ask, ports: Ports, guard: Guard, kind: string, name: string): Promise<Response> {
  const outcome = await ask(c, ports, kind, name, { who: await guard.caller(c), call: { tag: 'watch' } })
  if (outcome.status >= 300) return answer(c, outcome)
  const events = await ports.stream?.(kind, name)
  if (!events) throw new Refused('busy')
  // Not to be gathered or changed on the way.
  const headers = { 'content-type': EVENTS_TYPE, 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' }
  return c.body(events, 200, headers)
}

function ask(c: Ask, ports: Ports, kind: string, name: string, arrival: Arrival): Promise<Outcome> {
  return ports.ask(kind, name, arrival, (work) => {
    // Hosts without such a thing never stop a request either; Hono then throws.
    if (ports.holds) c.executionCtx.waitUntil(work)
  })
}

/**
 * Kind and name of the path; `me` is the caller's own. @throws Refused `not_found` for a kind that is not served, `bad_name`,
 * `unauthorized` where nobody calls for what is their own
 */
function room(c: Ask, ports: Ports, who: Identity | null): [string, string] {
  const kind = c.req.param('kind') ?? ''
  const own = ports.personal.has(kind) && c.req.param('name') === 'me'
  if (own && !who) throw new Refused('unauthorized')
  const name = (own ? who?.user : c.req.param('name')) ?? ''
  if (!ports.kinds.has(kind)) throw new Refused('not_found')
  // Names of Object.prototype are refused as well, lest a program keep rooms in a plain object.
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name) || name in {}) throw new Refused('bad_name')
  return [kind, name]
}

/** A full, aligned block. @throws Refused `not_found` for anything else: it has one URL or none */
function block(c: Ask): Call {
  const [, from, to] = /^([1-9]\d{0,15})-([1-9]\d{0,15})$/.exec(c.req.param('range') ?? '') ?? []
  const hash = c.req.param('hash') ?? ''
  const first = Number(from)
  const last = Number(to)
  const aligned = Number.isSafeInteger(last) && last % SEGMENT === 0 && first === last - SEGMENT + 1
  if (!aligned || !/^[0-9a-f]{32}$/.test(hash)) throw new Refused('not_found')
  return { tag: 'block', first, last, hash }
}

/** What the handler answered, as HTTP. `caching`: headers for caches, if it is what was asked for. */
function answer(c: Ask, outcome: Outcome, caching: Record<string, string> = {}): Response {
  const { status, content, body } = outcome
  const type = CONTENT_TYPES[content]
  const headers: Record<string, string> = {
    'cache-control': 'no-store',
    ...(status === 200 ? caching : {}),
    ...(type ? { 'content-type': type } : {}),
    ...(status === 429 || status >= 500 ? { 'retry-after': '1' } : {}),
  }
  if (content === 'empty') return c.body(null, status as 204, headers)
  return c.body(body as Uint8Array<ArrayBuffer>, status as ContentfulStatusCode, headers)
}

/** A refusal of the host itself. */
function refuse(c: Ask, code: RefusalCode, headers: Record<string, string> = {}): Response {
  const [status] = REFUSALS[code]
  c.set('code', code)
  const retry = status >= 500 ? { 'retry-after': '1' } : {}
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer' } : {}
  return c.body(refusalBody(code), status as ContentfulStatusCode, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    ...retry,
    ...challenge,
    ...headers,
  })
}

/** Who may ask, and how often. */
class Guard {
  readonly #ports: Ports
  readonly #users: RateLimit
  readonly #addresses: RateLimit
  readonly #guests: RateLimit

  constructor(ports: Ports) {
    const { settings, now } = ports
    this.#ports = ports
    this.#users = new RateLimit(settings.rate_user, now)
    this.#addresses = new RateLimit(settings.rate_address, now)
    this.#guests = new RateLimit(settings.rate_guest, now)
  }

  /** @throws Limited */
  address(c: Ask): void {
    limit(this.#addresses.take(this.#addressOf(c)))
  }

  /**
   * A session: a new guest's; or that of the token, with a longer life. Where the platform says who asks there are no
   * guests, and a session ends at once: it is asked for anew by each page. @throws Refused `unauthorized`, Limited
   */
  async session(c: Ask, token: string | undefined): Promise<Session> {
    const { callers } = this.#ports
    if (typeof callers === 'function') {
      const who = callers()
      if (!who) throw new Refused('unauthorized')
      return { token: 'verified-by-the-platform', ...who, expires_ms: 0 }
    }
    if (token !== undefined) return callers.renew(token)
    limit(this.#guests.take(this.#addressOf(c)))
    return callers.guest()
  }

  /** No route has a query; a token in one gets the answer of a bad token. @throws Refused */
  query(c: Ask): void {
    const { search, searchParams } = new URL(c.req.url)
    for (const name of searchParams.keys()) if (TOKEN_PARAMETERS.test(name)) throw new Refused('unauthorized')
    if (search !== '') throw new Refused('malformed')
  }

  /**
   * The verified user; null for a request without a token. `beside`: a token from where a browser
   * can put one when it opens a socket. @throws Refused `unauthorized`, Limited
   */
  async caller(c: Ask, beside?: string): Promise<Identity | null> {
    const { callers } = this.#ports
    if (typeof callers === 'function') {
      const verified = callers()
      if (verified) limit(this.#users.take(verified.user))
      return verified
    }
    const header = c.req.header('authorization')
    if (header === undefined && beside === undefined) return null
    const token = header === undefined ? beside : /^Bearer ([\w.-]+)$/.exec(header)?.[1]
    const who = await callers.verify(token ?? '')
    limit(this.#users.take(who.user))
    return who
  }

  /** Requests without an address share one bucket. */
  #addressOf(c: Ask): string {
    return addressKey(this.#ports.address(c.req.raw) ?? 'unknown')
  }
}
