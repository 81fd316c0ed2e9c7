/**
 * Who looks at which post, and what of it the app and the page are told. Identity is in the name of the host and nowhere
 * else: `alice--t3-local1.localhost`, and `anyone--…` for who is logged out. A post's id has a `_`, which a host name may
 * not have: it is written `-`. Anybody has an account: `t2_` and the name.
 */

import type { Configuration } from './devvit-json.ts'
import type { Post } from './posts.ts'

export const INSTALLATION = '10ca1000-0000-4000-8000-000000000001'
export const SUBREDDIT = { id: 't5_local', name: 'local' }
export const VERSION = '0.0.1.0'
export const MODERATOR: Viewer = { id: 't2_moderator', name: 'moderator' }
/** Whom the outer page offers. Any other name is somebody too. */
export const USERS = ['alice', 'bob', 'carol']
/** The host name's first part of who is logged out. */
const NOBODY = 'anyone'
/** How long a token says that it is good for, in seconds. Nobody checks one. */
const TOKEN_S = 24 * 60 * 60
/** `WebViewImmersiveMode` and `Client` of the bridge. */
const MODES = { inline: 1, expanded: 2 }
const SHREDDIT = 3

export interface Viewer {
  id: string
  name: string
}

export interface Session {
  viewer: Viewer | undefined
  /** `t3_…` */
  post: string
}

/** @param name of a user; absent or empty: logged out */
export function viewerOf(name: string | undefined): Viewer | undefined {
  if (!name || name === NOBODY) return undefined
  if (!/^[a-z][a-z0-9]{0,19}$/.test(name)) throw new TypeError(`nobody is called ${JSON.stringify(name)}`)
  return { id: `t2_${name}`, name }
}

/** The host of an embed, without its port. */
export function hostOf({ viewer, post }: Session): string {
  return `${viewer?.name ?? NOBODY}--${post.replace('_', '-')}.localhost`
}

/** Whose embed a `Host` header is of, if of any. */
export function sessionOf(host: string): Session | undefined {
  const [, name, id] = /^([a-z][a-z0-9]{0,19})--t3-([a-z0-9]+)\.localhost(?::\d+)?$/.exec(host) ?? []
  return name && id ? { viewer: viewerOf(name), post: `t3_${id}` } : undefined
}

/** The headers by which the platform tells the app of whom and where a request is. */
export function headersOf(app: string, viewer?: Viewer, post?: Post): Record<string, string> {
  return {
    'devvit-app': app,
    'devvit-version': VERSION,
    'devvit-installation': INSTALLATION,
    'devvit-subreddit': SUBREDDIT.id,
    'devvit-subreddit-name': SUBREDDIT.name,
    ...(viewer && { 'devvit-user': viewer.id, 'devvit-user-name': viewer.name }),
    ...(post && { 'devvit-post': post.id }),
    ...(post?.data && { 'devvit-post-data': ascii(JSON.stringify({ developerData: post.data })) }),
  }
}

/** JSON as a header can carry it. */
function ascii(json: string): string {
  return json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** What the bootstrap script of Reddit reads out of `window.name`, or out of the hash. */
export function bridgeOf(
  app: Configuration,
  origin: string,
  viewer: Viewer | undefined,
  post: Post,
  mode: keyof typeof MODES,
): object {
  const entrypoints = Object.entries(app.entrypoints).map(([name, { entry }]) => [name, `${origin}/${entry}`])
  return {
    client: SHREDDIT,
    devvitDebug: '',
    webbitToken: '',
    signedRequestContext: tokenOf(app.name, viewer, post),
    viewMode: MODES[mode],
    startTime: Date.now(),
    webViewClientData: {
      appConfig: { entrypoints: Object.fromEntries(entrypoints) },
      featureConfig: { experiments: {} },
    },
    ...(post.data && { postData: { developerData: post.data } }),
  }
}

/** A token of the shape of Reddit's, signed by nobody. */
export function tokenOf(app: string, viewer: Viewer | undefined, post: Post): string {
  const devvit = {
    installation: { id: INSTALLATION },
    app: { id: '', name: app, slug: app, version: VERSION, status: 1 },
    post: { id: post.id, author: 't2_app' },
    subreddit: SUBREDDIT,
    user: { ...viewer, devvitLoid: `loid-of-${viewer?.name ?? NOBODY}` },
    source: 4,
  }
  const now_s = Math.floor(Date.now() / 1_000)
  const parts = [
    { alg: 'none', typ: 'JWT' },
    { iat: now_s, exp: now_s + TOKEN_S, devvit },
  ]
  return `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.local`
}
