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
import { removeRoom } from '../stores/removal'
import { type SlotsFace, SlotsStore } from '../stores/slots'

const VERSION = '0.1.0'
/** Installations that a process keeps warm; the one that was longest not asked for is forgotten. */
const MAX_INSTALLATIONS = 16
/** Set once the first game of an installation was posted: the trigger comes at least once. */
const POSTED = 'baton:posted'
/** The newest posts of an installation, by when they were made: those whose rooms a heartbeat touches. */
const POSTS = 'baton:posts'
const MAX_POSTS = 16

/** Where a request comes from, as the platform says. */
export interface Origin {
  /** In which subreddit the app is installed. */
  installation: string
  /** The post whose page asks; null if it is no page's. */
  post: string | null
  /** Null: nobody is logged in. */
  who: Identity | null
}

/** What is used of `@devvit/redis` for the list of posts. */
interface PostsRedis {
  zAdd(key: string, ...members: { member: string; score: number }[]): Promise<number>
  zRange(key: string, start: number, stop: number, options: { by: 'rank' }): Promise<{ member: string }[]>
  zRem(key: string, members: string[]): Promise<number>
  zRemRangeByRank(key: string, start: number, stop: number): Promise<number>
}

/** What the platform offers. Each call is on behalf of the request under way. */
export interface Platform {
  redis: DevvitRedis & PostsRedis
  /** Hands a message out to whoever listens. Calls are known by the asynchronous context in which they are made. */
  send: Send
  /** Creates a post with a game in it. */
  createPost(): Promise<{ id: string; address: string }>
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
  /** Has a post's rooms live through the time that has passed, as anybody's request would. */
  touch(post: string): Promise<unknown>
  /** Removes what is kept of a post. */
  remove(post: string): Promise<unknown>
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
      return c.json({ navigateTo: await post(platform) })
    } catch (error) {
      tell(error)
      return c.json({ showToast: 'Perhaps the game was posted, perhaps not: look before you try again.' })
    }
  })
  app.post('/internal/triggers/install', async (c) => {
    await postOnce(platform)
    return c.json({ status: 'ok' })
  })
  app.post('/internal/triggers/post-delete', async (c) => {
    const { postId } = await c.req.json<{ postId?: unknown }>()
    if (typeof postId !== 'string' || !/^t3_[a-z0-9]{1,20}$/.test(postId)) return c.json({ code: 'malformed' }, 400)
    await installation().remove(postId)
    await platform.redis.zRem(POSTS, [postId])
    return c.json({ status: 'ok' })
  })
  app.post('/internal/scheduler/heartbeat', async (c) => {
    const { touch } = installation()
    const posts = await platform.redis.zRange(POSTS, 0, -1, { by: 'rank' })
    await Promise.all(posts.map(({ member }) => touch(member)))
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
async function postOnce(platform: Platform): Promise<void> {
  if ((await platform.redis.set(POSTED, '1', { nx: true })) === 'OK') await post(platform)
}

/** Posts a game. Returns its address. */
async function post({ redis, createPost }: Platform): Promise<string> {
  const { id, address } = await createPost()
  await redis.zAdd(POSTS, { member: id, score: Date.now() })
  await redis.zRemRangeByRank(POSTS, 0, -1 - MAX_POSTS)
  return address
}

function install(platform: Platform, makeFace: () => SlotsFace, settings: Settings): Installation {
  const faces = new Faces(makeFace, settings.rooms)
  const kinds = new Set(faces.current().kinds())
  const personal = new Set(faces.current().personalKinds())
  const publisher = new Publisher()
  const note = (event: string, fields: Record<string, string | number>) => log('warn', event, fields)
  const keys = new DevvitKeys(platform.redis)
  const store = new SlotsStore(faces, keys, {
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
  const { fetch } = createRouter({
    settings,
    callers: () => platform.origin().who,
    kinds,
    personal,
    holds: false,
    ask: async (kind, name, arrival) => {
      // A room is a post's, or a user's own. Else anybody could fill the installation's store with rooms. Whoever has the
      // operator's key reads any, and sends to any.
      const { post, who } = platform.origin()
      const own = personal.has(kind) ? who?.user : post
      const operates = arrival.call.tag === 'log' || arrival.call.tag === 'deliver'
      return operates || name === own ? driver.ask(kind, name, arrival) : refusal('not_found')
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
  const ofAll = (work: (kind: string) => Promise<unknown>) => Promise.all([...kinds].map(work))
  return {
    fetch,
    touch: (post) => ofAll((kind) => driver.ask(kind, post, { who: null, call: { tag: 'view' } })),
    remove: (post) => ofAll((kind) => removeRoom(keys, `${kind}/${post}`)),
  }
}
