/**
 * The outer page, which stands for Reddit, and what tests control a local Devvit by. All under `/__local/` is for the
 * outer origin only.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { parseFaults } from './faults.ts'
import { fileOf } from './files.ts'
import type { Gateway } from './gateway.ts'
import { type Answer, answerJson, answerOf, bodyOf, send } from './http.ts'
import { bridgeOf, hostOf, tokenOf, USERS, viewerOf } from './identity.ts'
import { postOf, postsOf } from './posts.ts'

const PAGE = join(import.meta.dirname, 'page')

const POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self'"],
  'frame-src http://*.localhost:*',
].join('; ')

export async function serveOuter(gateway: Gateway, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const method = incoming.method ?? 'GET'
  const { pathname, searchParams } = new URL(incoming.url ?? '/', gateway.url)
  const { origin } = incoming.headers
  if (method === 'POST' && origin !== undefined && origin !== gateway.url) {
    return send(outgoing, answerOf(403, 'from the outer page only'))
  }
  if (method === 'GET' && pathname === '/__local/realtime') return gateway.streams.open(outgoing)
  const [, route] = /^\/__local\/(.+)$/.exec(pathname) ?? []
  const answer = route
    ? await control(gateway, method, route.split('/').map(decodeURIComponent), searchParams, incoming)
    : await page(pathname)
  send(outgoing, answer, method)
}

async function page(pathname: string): Promise<Answer> {
  if (pathname === '/favicon.ico') return { status: 204, headers: {}, body: Buffer.alloc(0) }
  const file = await fileOf(PAGE, pathname === '/' ? '/index.html' : pathname)
  if (!file) return answerOf(404, 'not found')
  return { ...file, headers: { ...file.headers, 'content-security-policy': POLICY } }
}

async function control(
  gateway: Gateway,
  method: string,
  [route = '', name = '']: string[],
  query: URLSearchParams,
  incoming: IncomingMessage,
): Promise<Answer> {
  const { processes, streams, schedule } = gateway
  switch (`${method} ${route}`) {
    case 'GET feed':
      return feed(gateway)
    case 'GET bridge':
      return bridge(gateway, query)
    case 'GET readme':
      return (await fileOf(import.meta.dirname, '/README.md')) ?? answerOf(404, 'not found')
    case 'GET status':
      return answerJson({
        processes: processes.status(),
        ended: processes.ended,
        faults: processes.faults,
        streams: streams.size,
        tasks: schedule.says,
        posts: await gateway.posts(),
      })
    case 'GET calls':
      return answerJson(await gateway.calls())
    case 'POST faults':
      processes.change(parseFaults(await jsonOf(incoming)))
      return answerJson(processes.faults)
    case 'POST kill':
      return answerJson({ killed: await processes.kill() })
    case 'POST trigger':
      return gateway.trigger(name, Object.fromEntries(query))
    case 'POST tick':
      return gateway.tick(name)
    case 'POST menu':
      return menu(gateway, Number(name))
    case 'POST realtime': {
      const { channels } = (await jsonOf(incoming)) as { channels?: unknown }
      const names = Array.isArray(channels) ? channels.filter((each) => typeof each === 'string') : []
      const full = streams.subscribe(name, names)
      return full ? answerJson({ channels: full }) : answerOf(404, 'there is no such stream')
    }
    default:
      return answerOf(404, 'not found')
  }
}

async function jsonOf(incoming: IncomingMessage): Promise<unknown> {
  return JSON.parse((await bodyOf(incoming))?.toString() ?? '')
}

async function feed({ app, redis, installation }: Gateway): Promise<Answer> {
  const posts = await postsOf(redis, installation)
  return answerJson({
    app: app.name,
    users: USERS,
    menu: app.menu.map(({ label }) => label),
    posts: posts.reverse().map(({ id, title, entry }) => ({
      id,
      title,
      height_px: (app.entrypoints[entry] ?? app.entrypoints.default)?.height_px ?? 320,
    })),
  })
}

/** What the frame of a post is to show, and to be named. */
async function bridge({ app, redis, installation, port }: Gateway, query: URLSearchParams): Promise<Answer> {
  const viewer = viewerOf(query.get('user') ?? undefined)
  const post = await postOf(redis, installation, query.get('post') ?? '')
  if (!post) return answerOf(404, 'there is no such post')
  const origin = `http://${hostOf({ viewer, post: post.id })}:${port}`
  const context = bridgeOf(app, origin, viewer, post, query.get('mode') === 'expanded' ? 'expanded' : 'inline')
  const entry = (app.entrypoints[post.entry] ?? app.entrypoints.default)?.entry
  return answerJson({
    origin,
    src: `${origin}/${entry}`,
    context: JSON.stringify(context),
    token: tokenOf(app.name, viewer, post),
  })
}

/** Presses a menu item, as a moderator. */
async function menu(gateway: Gateway, at: number): Promise<Answer> {
  const before = (await gateway.posts()).length
  const { status, body } = await gateway.press(at)
  const posts = await gateway.posts()
  return answerJson({ status, answer: body.toString(), posts: posts.slice(before).map(({ id }) => id) })
}
