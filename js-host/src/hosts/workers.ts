/**
 * The host on Cloudflare Workers, and on a desktop under `wrangler dev`. Decides where the handler
 * runs: in the Worker, with the room's object as a remote store, or inside the object. Everything
 * that answers a request is the router's.
 */

import { Redis } from '@upstash/redis/cloudflare'
import { Batches } from '../batch'
import { decode, encode } from '../codec'
import { Driver } from '../driver'
import type { Arrival, Outcome } from '../effect'
import * as wire from '../effect'
import { REFUSALS, refusal, refusalBody } from '../errors'
import { log } from '../log'
import { createRouter, type Ports } from '../router'
import { securityHeaders } from '../security'
import { Sessions } from '../session'
import { SettingError, type Settings, settingsOf, trouble } from '../settings'
import { type Performer, performer, StoreOverloaded } from '../store'
import { RedisStore } from '../stores/redis'
import { HTTP, overHttp } from '../stores/redis-scripts'
import { within } from '../within'
import { facesOf } from './isolate'
import type { RoomObject } from './room-object'
import { shared } from './shared'

export { RoomObject } from './room-object'

type Rooms = DurableObjectNamespace<RoomObject>

/** What wrangler.toml binds. The settings are text variables beside these. */
export interface Bindings {
  /** Left out where rooms are in Redis. */
  ROOMS?: Rooms
  ASSETS: Fetcher
}

const VERSION = '0.1.0'

/** The router of this isolate: its rate limits, the handler's warm rooms and the keys live as long. */
let router: Promise<ReturnType<typeof createRouter>> | null = null

export default {
  async fetch(request, bindings, context): Promise<Response> {
    router ??= open(bindings)
    try {
      const routes = await router
      const hold = (work: Promise<unknown>) => context.waitUntil(work)
      return await shared(request, hold, async () => routes.fetch(request, bindings, context))
    } catch (error) {
      // The router answers whatever happens in it: this is a setting. The next request tries again.
      router = null
      log('error', 'misconfigured', trouble(error))
      return misconfigured(new URL(request.url))
    }
  },
} satisfies ExportedHandler<Bindings>

function misconfigured(url: URL): Response {
  const headers = new Headers(securityHeaders(url, { frame_ancestors: "'none'" }))
  headers.set('content-type', 'application/json; charset=utf-8')
  headers.set('cache-control', 'no-store')
  headers.set('retry-after', '10')
  return new Response(refusalBody('misconfigured'), { status: REFUSALS.misconfigured[0], headers })
}

/** @throws on a bad setting */
async function open(bindings: Bindings): Promise<ReturnType<typeof createRouter>> {
  const settings = settingsOf(bindings)
  const { mode, store_timeout_ms } = settings
  const redis = redisOf(settings)
  const rooms = redis ? null : roomsOf(bindings)
  const faces = facesOf(settings)
  const driver = new Driver({
    faces,
    store: redis ?? remoteStore(roomsOf(bindings)),
    store_timeout_ms,
    delivers: new Set(faces.current().kinds()),
    note: (event, fields) => log('warn', event, fields),
  })
  return createRouter({
    settings,
    callers: await Sessions.open(settings.keys, settings.audience),
    kinds: new Set(faces.current().kinds()),
    personal: new Set(faces.current().personalKinds()),
    holds: true,
    ask:
      rooms && mode === 'embedded'
        ? inObjects(rooms, 2 * store_timeout_ms)
        : (kind, name, arrival, hold) => driver.ask(kind, name, arrival, hold),
    // Nothing tells a Worker of a frame in Redis: pages ask.
    live: rooms && ((kind, name, request) => objectOf(rooms, `${kind}/${name}`).fetch(request)),
    stream: null,
    address: (request) => request.headers.get('cf-connecting-ip'),
    health: () => ({ version: VERSION, mode, ...(mode === 'stateless' ? driver.counters : {}) }),
    page: (request) => bindings.ASSETS.fetch(request),
  })
}

/** Redis over HTTP, if rooms are there. @throws SettingError */
function redisOf({ store, store_token, mode }: Settings): Performer | null {
  if (store === null || store === 'object') return null
  if (!/^https?:/.test(store)) throw new SettingError('BATON_STORE: a Worker reaches object, or Redis by https://…')
  if (mode !== 'stateless') throw new SettingError('BATON_MODE: with Redis the handler is stateless')
  return performer(new RedisStore(overHttp(new Redis({ url: store, token: store_token, ...HTTP }))))
}

/** The objects, if rooms are there. @throws SettingError */
function roomsOf({ ROOMS }: Bindings): Rooms {
  if (!ROOMS) throw new SettingError('BATON_STORE: no objects are bound here; rooms need those, or Redis by https://…')
  return ROOMS
}

/** Asks handlers inside the objects. Requests of a room that arrive together share one call of its object. */
function inObjects(rooms: Rooms, timeout_ms: number): Ports['ask'] {
  const batches = new Batches((kind, name, batch) => askObject(rooms, kind, name, batch, timeout_ms), 2 * timeout_ms)
  return async (kind, name, arrival, hold) => {
    const [outcome] = await batches.ask(kind, name, [arrival], hold)
    return outcome ?? refusal('internal')
  }
}

function objectOf(rooms: Rooms, room: string): DurableObjectStub<RoomObject> {
  return rooms.get(rooms.idFromName(room))
}

/** The room's object as a store: the handler's bytes go there and back as they are. */
function remoteStore(rooms: Rooms): Performer {
  return {
    async perform(room, effect) {
      try {
        return await objectOf(rooms, room).perform(room, effect)
      } catch (error) {
        throw overloaded(error) ? new StoreOverloaded('the object is overloaded', { cause: error }) : error
      }
    },
  }
}

/** Asks the handler inside the room's object. Always answers: what it did before it failed is unknown. */
async function askObject(
  rooms: Rooms,
  kind: string,
  name: string,
  batch: Arrival[],
  timeout_ms: number,
): Promise<Outcome[]> {
  try {
    const asked = objectOf(rooms, `${kind}/${name}`).ask(kind, name, encode(wire.arrivals, batch))
    return decode(wire.outcomes, await within(timeout_ms, asked))
  } catch (error) {
    log('warn', 'object', { message: error instanceof Error ? error.message : 'unknown' })
    return batch.map(() => refusal('retry'))
  }
}

/** Workers mark what they throw: such a call was not delivered, and must not be tried again. */
function overloaded(error: unknown): boolean {
  return error instanceof Error && 'overloaded' in error && error.overloaded === true
}
