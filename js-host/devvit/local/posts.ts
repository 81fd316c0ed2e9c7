/** The posts of the local subreddit, kept in Redis beside the app's own keys, and what Reddit answers of them. */

import type { Metadata } from '@devvit/protos/lib/Types.js'
import type { Connection } from './connection.ts'
import type { Rpc } from './rpc.ts'

/** Where a new post is told in Redis. */
export const POSTED = 'local:posted'

export interface Post {
  /** `t3_…` */
  id: string
  title: string
  /** The name of its entrypoint in `devvit.json`. */
  entry: string
  /** What the app keeps with it, for `context.postData`. */
  data: Record<string, unknown> | null
  created_ms: number
}

const keyOf = (installation: string) => `local:posts:${installation}`

/** In the order in which they were made. */
export async function postsOf(redis: Connection, installation: string): Promise<Post[]> {
  const all = await redis.send(['HVALS', keyOf(installation)])
  const posts = (Array.isArray(all) ? all : []).map((each) => JSON.parse(String(each)) as Post)
  return posts.sort((one, other) => numberOf(one) - numberOf(other))
}

const numberOf = ({ id }: Post) => Number(id.slice('t3_local'.length))

export async function postOf(redis: Connection, installation: string, id: string): Promise<Post | undefined> {
  const found = await redis.send(['HGET', keyOf(installation), id])
  return found === null ? undefined : (JSON.parse(String(found)) as Post)
}

export async function addPost(
  redis: Connection,
  installation: string,
  post: Pick<Post, 'title' | 'entry' | 'data'>,
): Promise<Post> {
  const number = await redis.send(['INCR', `local:posts-made:${installation}`])
  const made = { ...post, id: `t3_local${number}`, created_ms: Date.now() }
  await redis.send(['HSET', keyOf(installation), made.id, JSON.stringify(made)])
  await redis.send(['PUBLISH', POSTED, made.id])
  return made
}

interface Submission {
  title: string
  postData?: { developerData?: Record<string, unknown>; splash?: { entry?: string } }
}

/** The two calls of `devvit.plugin.redditapi.linksandcomments.LinksAndComments` behind `reddit.submitCustomPost`. */
export function linksAndComments(redis: Connection, rpc: Rpc, author: string, url: string) {
  return {
    SubmitCustomPost: async ({ title, postData }: Submission, metadata?: Metadata) => {
      const { installation } = rpc.caller('reddit', 'SubmitCustomPost', metadata)
      const post = { title, entry: postData?.splash?.entry ?? 'default', data: postData?.developerData ?? null }
      const { id } = await rpc.meet({ name: 'SubmitCustomPost', write: true }, () => addPost(redis, installation, post))
      return { json: { errors: [], data: { id: id.slice('t3_'.length) } } }
    },
    Info: async ({ thingIds }: { thingIds: string[] }, metadata?: Metadata) => {
      const { installation, subreddit } = rpc.caller('reddit', 'Info', metadata)
      const found = await rpc.meet({ name: 'Info', write: false }, () =>
        Promise.all(thingIds.map((id) => postOf(redis, installation, id))),
      )
      const children = found
        .filter((post) => post !== undefined)
        .map(({ id, title, created_ms }) => ({
          kind: 't3',
          data: {
            id: id.slice('t3_'.length),
            title,
            createdUtc: Math.floor(created_ms / 1_000),
            author,
            subreddit: subreddit.name,
            subredditId: subreddit.id,
            url: `${url}/?post=${id}`,
            permalink: `/r/${subreddit.name}/comments/${id.slice('t3_'.length)}/`,
          },
        }))
      return { data: { children } }
    },
  }
}
