/**
 * The log of a room as it lies in Redis, read without any host, and the laws that every such log keeps, however many
 * processes wrote it and whatever became of them. Decides what is against a law; must not know what is tested.
 */

import { blake3 } from '@noble/hashes/blake3.js'
import type { RedisClientType } from '@redis/client'
import { inflateSync } from 'fflate'
import { fromBase64 } from '../../../js-host/src/base64'
import { bytes, list } from '../../../js-host/src/codec'
import { SEGMENT } from '../../../js-host/src/limits'
import type { RedisServer } from '../../stores/support/redis-server'
import { decode, type Frame, frame } from '../wire'
import { until } from './browser'

/** Contagion's. */
const TICK_MS = 100
/** Of the rooms of most tests. */
const LEASE_MS = 200

/** What a server must be started with to tell what becomes of leases. */
export const TELLS_LEASES = ['--notify-keyspace-events', 'Kxg$']

/** What became of the leases of rooms, in the order in which their server did it: no clock has a say in it. */
export class Leases {
  readonly #events = new Map<string, string[]>()
  readonly #client: RedisClientType

  private constructor(client: RedisClientType) {
    this.#client = client
  }

  /** Listens from now on, to a server that was started with {@link TELLS_LEASES}. */
  static async of(server: RedisServer): Promise<Leases> {
    const leases = new Leases(await server.connect())
    await leases.#client.pSubscribe('__keyspace@0__:baton:{*}:lease', (event, channel) => {
      const room = channel.slice(channel.indexOf('{') + 1, channel.lastIndexOf('}'))
      leases.#events.set(room, [...(leases.#events.get(room) ?? []), event])
    })
    return leases
  }

  /** The versions whose lease had ended, by itself or since it was given back, when the next frame came. */
  async ended(room: string, upto: number): Promise<Set<number>> {
    const events = await until('news of every lease', 10_000, async () => {
      const events = this.#events.get(room) ?? []
      return events.filter((event) => event === 'set').length >= upto && events
    })
    const ended = new Set<number>()
    let v = 0
    for (const event of events) {
      if (event === 'set') v += 1
      if (event === 'expired' || event === 'del') ended.add(v)
    }
    return ended
  }

  stop(): void {
    this.#client.destroy()
  }
}

/** A frame, and what is not in it. */
export interface Logged extends Frame {
  stored: Uint8Array
  hash: string
  /** Its writer in hexadecimal. */
  by: string
}

const hex = (of: Uint8Array) => Buffer.from(of).toString('hex')
const keyOf = (room: string, part: string) => `baton:{${room}}:${part}`

/** Reads a frame as it is kept. */
export function logged(stored: Uint8Array): Logged {
  const read = decode(frame, stored)
  return { ...read, stored, hash: hex(blake3(stored).subarray(0, 16)), by: hex(read.writer) }
}

/** All frames of a room: what is archived, then what is in the stream. */
export async function logOf(redis: RedisClientType, room: string): Promise<Logged[]> {
  const [found, archive] = await Promise.all([
    redis.xRange(keyOf(room, 'log'), '-', '+'),
    redis.hGetAll(keyOf(room, 'archive')),
  ])
  const stream = found ?? []
  const [first] = stream
  const trimmed = first ? Number.parseInt(first.id, 10) - 1 : 0
  const all: Uint8Array[] = []
  for (let segment = 1; all.length < trimmed; segment += 1) {
    const packed = archive[segment]
    if (!packed) throw new Error(`segment ${segment} is missing`)
    all.push(...decode(list(bytes), inflateSync(fromBase64(packed))))
  }
  if (all.length % SEGMENT !== 0) throw new Error('a segment has a wrong size')
  const rest = stream.map(({ message }) => fromBase64(message.f ?? ''))
  return [...all.slice(0, trimmed), ...rest].map(logged)
}

/** The last frame. @throws if there is none */
export async function lastOf(redis: RedisClientType, room: string): Promise<Logged> {
  const [last] = (await redis.xRevRange(keyOf(room, 'log'), '+', '-', { COUNT: 1 })) ?? []
  if (!last) throw new Error('no such room')
  return logged(fromBase64(last.message.f ?? ''))
}

/** Who wrote the last frame, if its lease still holds the others back for so long. */
export async function leaderOf(redis: RedisClientType, room: string, left_ms: number): Promise<Logged | null> {
  const [last, lease, left] = await Promise.all([
    lastOf(redis, room),
    redis.get(keyOf(room, 'lease')),
    redis.pTTL(keyOf(room, 'lease')),
  ])
  return Number(lease) === last.v && left >= left_ms ? last : null
}

/**
 * What of a log is against a law:
 * - versions count from 1, and each frame names the one before: one frame per version (J6, J16);
 * - an epoch has one writer, a new writer a new epoch (J10);
 * - a new writer comes when the lease of the one before has ended (J11), if `ended` says which have; or when its frame is
 *   older than two leases by the store's clock, which counts from when its writer read: a frame that was so long on its way
 *   is taken for one whose lease has no end;
 * - by the store's clock, ticks and cuts together are the time that passed: none lost, none twice (J15, J18).
 */
export function against(frames: Logged[], ended: ReadonlySet<number> | null, lease_ms = LEASE_MS): string[] {
  const found: string[] = []
  const start_ms = frames[0]?.time_ms ?? 0
  let cut_ms = 0
  for (const [index, now] of frames.entries()) {
    const say = (what: string) => found.push(`${now.v}: ${what}`)
    const before = frames[index - 1]
    if (now.v !== index + 1) say('not the next version')
    for (const entry of now.entries) if (entry.tag === 'cut') cut_ms += entry.skip_ms
    const late_ms = now.time_ms - start_ms - cut_ms - now.tick * TICK_MS
    if (late_ms < 0 || late_ms >= TICK_MS) say(`${late_ms} ms beside its tick`)
    if (!before) continue
    if (hex(now.previous) !== before.hash) say('names another frame before')
    const other = now.by !== before.by
    if (!other && now.epoch !== before.epoch) say('an epoch without a new writer')
    if (other && now.epoch <= before.epoch) say('a new writer without an epoch')
    const old = now.time_ms - before.time_ms > 2 * lease_ms
    if (other && ended && !old && !ended.has(before.v)) {
      const around = frames.slice(Math.max(0, index - 4), index + 2)
      const told = around.map((each) => `${each.v} by ${each.by} at ${each.time_ms - start_ms}`)
      const over = [...ended].filter((v) => Math.abs(v - now.v) < 6)
      say(`a new writer into a lease: ${told.join(', ')}; ended are ${over.join(', ')}`)
    }
  }
  return found
}

/** Frames a second of logs that grew beside each other, by their own times, while all of them did. */
export function ratesOf(logs: Logged[][]): number[] {
  const from_ms = Math.max(...logs.map((log) => log[10]?.time_ms ?? 0))
  const upto_ms = Math.min(...logs.map((log) => log.at(-1)?.time_ms ?? 0))
  return logs.map((log) => {
    const inside = log.filter(({ time_ms }) => time_ms >= from_ms && time_ms <= upto_ms)
    return (inside.length * 1_000) / (upto_ms - from_ms)
  })
}
