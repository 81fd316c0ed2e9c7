/**
 * The log of a room as it lies in the Redis of a local Devvit, read without any host: slots, of which a frame that does not
 * follow is void, up to the first that is absent.
 */

import type { RedisClientType } from '@redis/client'
import { fromBase64 } from '../../../js-host/src/base64'
import { bytes, list } from '../../../js-host/src/codec'
import { SEGMENT } from '../../../js-host/src/limits'
import { type Logged, logged } from '../../e2e/support/room-log'
import { decode } from '../../e2e/wire'

/** What the slots of a room hold. */
export interface Slots {
  /** The frames of the log. */
  frames: Logged[]
  /** Slots that hold a frame which is not one of them. */
  void: number
  /** Segments that are sealed. */
  sealed: number
}

/** All that there is of a room, `kind/name`, of the only installation. @throws if a segment was trimmed */
export async function slotsOf(redis: RedisClientType, room: string): Promise<Slots> {
  const [prefix = ''] = (await redis.keys(`*{${room}}:log:0`)).map((key) => key.slice(0, -1))
  const found: Slots = { frames: [], void: 0, sealed: 0 }
  let previous = '00'.repeat(16)
  for (let segment = 0; ; segment += 1) {
    const slots = await segmentOf(redis, `${prefix}${segment}`)
    if (slots.sealed) found.sealed += 1
    for (const stored of slots.stored) {
      if (stored === undefined) return found
      const read = stored.length > 0 ? logged(stored) : null
      if (read && Buffer.from(read.previous).toString('hex') === previous) {
        found.frames.push(read)
        previous = read.hash
      } else {
        found.void += 1
      }
    }
  }
}

/** What is asked of a segment's hash; null once it is sealed. Its type, asked first, may be another one a moment later. */
export async function unlessSealed<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return null
    throw error
  }
}

async function segmentOf(
  redis: RedisClientType,
  key: string,
): Promise<{ sealed: boolean; stored: (Uint8Array | undefined)[] }> {
  const segment = Number(key.slice(key.lastIndexOf(':') + 1))
  const fields = await unlessSealed(redis.hGetAll(key))
  if (fields === null) {
    return { sealed: true, stored: decode(list(bytes), fromBase64((await redis.get(key)) ?? '')) }
  }
  const stored = Array.from({ length: SEGMENT }, (_, at) => {
    const text = fields[String(segment * SEGMENT + at + 1)]
    return text === undefined ? undefined : fromBase64(text)
  })
  return { sealed: false, stored }
}
