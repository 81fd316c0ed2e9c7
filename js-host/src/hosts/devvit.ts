/**
 * The host inside a Devvit app: processes that come and go, shared by the subreddits in which the app is installed. Decides
 * that nothing of one installation is ever seen by another, and which room a post may ask for: its own. Who asks is what
 * the platform says of the request. Everything that answers a request is the router's; what only the platform may ask for
 * is below `/internal/`, which no page can reach.
 */

import { AsyncResource } from 'node:async_hooks'
import { Hono } from 'hono'
import { Driver } from '../driver'
import type { Identity } from '../effect'
import { refusal } from '../errors'
import { Faces } from '../load/face'
import { log } from '../log'
import { Publisher, type Send } from '../publisher'
import { createRouter } from '../router'
import { type Settings, settingsOf } from '../settings'
import { DevvitKeys, type DevvitRedis } from '../stores/devvit'
import { type SlotsFace, SlotsStore } from '../stores/slots'

const VERSION = '0.1.0'
/** Installations that a process keeps warm; the one that was longest not asked for is forgotten. */
const MAX_INSTALLATIONS = 16
/** Set once the first game of an installation was posted: the trigger comes at least once. */
const POSTED = 'baton:posted'

/** Where a request comes from, as the platform says. */
export interface Origin {
  /** In which subreddit the app is installed. */
  installation: string
  /** The post whose page asks; null if it is no page's. */
  post: string | null
  /** Null: nobody is logged in. */
  who: Identity | null
}

/** What the platform offers. Each call is on behalf of the request under way. */
export interface Platform {
  redis: DevvitRedis
  /** Hands a message out to whoever listens. Calls are known by the asynchronous context in which they are made. */
  send: Send
  /** Creates a post with a game in it. Returns its address. */
  createPost(): Promise<string>
  origin(): Origin
}

/** What a process is started with. */
export interface DevvitOptions {
  platform: Platform
  makeFace: () => SlotsFace
  /** Text variables, as the settings describe them. */
  environment: object
}

/** What an installation has of a process. */
interface Installation {
  fetch(request: Request): Response | Promise<Response>
}

/** The app of a process. @throws SettingError on a bad setting */
export function openDevvit({ platform, makeFace, environment }: DevvitOptions): Hono {
  // Nothing is signed here: the platform says who asks.
  const settings = settingsOf({ BATON_KEYS: 'none', ...environment })
  // A setting of rooms that the handler refuses is found out now, not by each request.
  new Faces(makeFace, settings.rooms).current()
  const installations = new Map<string, Installation>()
  const installation = (): Installation => {
    const { installation: id } = platform.origin()
    const known = installations.get(id) ?? install(platform, makeFace, settings)
    // Last in the order: the first is the one that was longest not asked for.
    installations.delete(id)
    installations.set(id, known)
    const [oldest] = installations.keys()
    if (installations.size > MAX_INSTALLATIONS && oldest !== undefined) installations.delete(oldest)
    return known
  }

  const app = new Hono()
  app.post('/internal/menu/create-post', async (c) => {
    try {
      return c.json({ navigateTo: await platform.createPost() })
    } catch (error) {
      tell(error)
      return c.json({ showToast: 'Perhaps the game was posted, perhaps not: look before you try again.' })
    }
  })
  app.post('/internal/triggers/install', async (c) => {
    await postOnce(platform)
    return c.json({ status: 'ok' })
  })
  app.all('/internal/*', (c) => c.json({ code: 'not_found' }, 404))
  app.all('*', (c) => installation().fetch(c.req.raw))
  app.onError((error, c) => {
    tell(error)
    return c.json({ code: 'internal' }, 500)
  })
  return app
}

function tell(error: unknown): void {
  const { name, message } = error instanceof Error ? error : new Error('unknown')
  log('error', 'fault', { error: name, message })
}

/**
 * The first post of an installation. The mark comes first and stays, whatever becomes of the post, which may be there though
 * nobody was told: two posts are worse than none, which the menu mends.
 */
async function postOnce({ redis, createPost }: Platform): Promise<void> {
  if ((await redis.set(POSTED, '1', { nx: true })) === 'OK') await createPost()
}

function install(platform: Platform, makeFace: () => SlotsFace, settings: Settings): Installation {
  const faces = new Faces(makeFace, settings.rooms)
  const kinds = new Set(faces.current().kinds())
  const personal = new Set(faces.current().personalKinds())
  const publisher = new Publisher()
  const note = (event: string, fields: Record<string, string | number>) => log('warn', event, fields)
  const store = new SlotsStore(faces, new DevvitKeys(platform.redis), {
    published: (room, frame) => publisher.publish(room, frame, AsyncResource.bind(platform.send)),
    note,
  })
  const driver = new Driver({
    faces,
    store,
    store_timeout_ms: settings.store_timeout_ms,
    delivers: kinds,
    note,
  })
  return createRouter({
    settings,
    callers: () => platform.origin().who,
    kinds,
    personal,
    holds: false,
    ask: async (kind, name, arrival) => {
      // A room is a post's, or a user's own. Else anybody could fill the installation's store with rooms.
      const { post, who } = platform.origin()
      const own = personal.has(kind) ? who?.user : post
      return name === own ? driver.ask(kind, name, arrival) : refusal('not_found')
    },
    live: null,
    stream: null,
    // No address is told: a user's requests that need none, and those of all who are logged out, count together.
    address: () => platform.origin().who?.user ?? null,
    health: () => ({
      version: VERSION,
      mode: 'stateless',
      ...driver.counters,
      messages_sent: publisher.counters.sent,
      messages_refused: publisher.counters.refused,
    }),
    // Pages are files of the platform.
    page: async () => new Response(null, { status: 404 }),
  })
}
