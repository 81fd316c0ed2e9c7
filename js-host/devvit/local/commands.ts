/**
 * Which command of Redis each call of Devvit's RedisAPI is, and what its answer becomes: alone, and within a
 * transaction. Decides nothing; must not know of connections.
 */

import type {
  BitfieldCommand,
  RedisAPI,
  TransactionResponse,
  ZRangeRequest,
} from '@devvit/protos/types/devvit/plugin/redis/redisapi.js'
import type { Raw } from './connection.ts'

/** The most members that a `zRange` answers. */
const RANGE_MEMBERS = 1_000
/** The names of `BitfieldOverflowBehavior`, by its numbers. */
const OVERFLOWS = ['WRAP', 'WRAP', 'SAT', 'FAIL']

/** Turns the name of a key into the one that it has in Redis. */
type Key = (name: string | undefined) => string

interface Command<Request, Answer> {
  write: boolean
  words(request: Request, key: Key): string[]
  answer(raw: Raw, request: Request): Answer
  /** What `exec` says of it. */
  queued(raw: Raw, request: Request): TransactionResponse
  /** Absence is an error if the metadata asks for one. */
  nil?: true
  bytes?: true
}

export type TransactionCall = 'Watch' | 'Multi' | 'Exec' | 'Discard' | 'Unwatch'
export type CommandCall = Exclude<keyof RedisAPI, TransactionCall>
type Commands = {
  [Name in CommandCall]: Command<Parameters<RedisAPI[Name]>[0], Awaited<ReturnType<RedisAPI[Name]>>>
}

const listOf = (raw: Raw): Raw[] => (Array.isArray(raw) ? raw : [])
const textOf = (raw: Raw): string => (raw === null ? '' : String(raw))
const textsOf = (raw: Raw): string[] => listOf(raw).map(textOf)

function pairsOf(raw: Raw): [string, string][] {
  const flat = textsOf(raw)
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at] ?? '', flat[2 * at + 1] ?? ''])
}

const membersOf = (pairs: [string, string][]) => pairs.map(([member, score]) => ({ member, score: Number(score) }))

const text = { answer: (raw: Raw) => ({ value: textOf(raw) }), queued: (raw: Raw) => ({ str: textOf(raw) }) }
const whole = { answer: (raw: Raw) => ({ value: Number(raw) }), queued: (raw: Raw) => ({ num: Number(raw) }) }
const real = { answer: (raw: Raw) => ({ value: Number(raw) }), queued: (raw: Raw) => ({ dbl: Number(raw) }) }
const texts = {
  answer: (raw: Raw) => ({ values: textsOf(raw) }),
  queued: (raw: Raw) => ({ values: { values: textsOf(raw) } }),
}
const nothing = { answer: () => ({}), queued: (raw: Raw) => ({ str: textOf(raw) }) }
const read = { write: false }
const write = { write: true }

const scan = (request: { cursor: number; pattern?: string | undefined; count?: number | undefined }) => [
  String(request.cursor),
  ...(request.pattern ? ['MATCH', request.pattern] : []),
  ...(request.count ? ['COUNT', String(request.count)] : []),
]
const scanned = (raw: Raw): TransactionResponse => {
  const [cursor = '0', found = []] = listOf(raw)
  return { values: { values: [textOf(cursor), ...textsOf(found)] } }
}

function rangeWords({ key: of, start, stop, byScore, byLex, rev, offset, count }: ZRangeRequest, key: Key): string[] {
  const by = byScore ? 'BYSCORE' : byLex ? 'BYLEX' : undefined
  // Reddit's own mock turns the ends round for scores only.
  const ends = byScore && rev ? [stop, start] : [start, stop]
  const most = count > 0 ? Math.min(count, RANGE_MEMBERS) : RANGE_MEMBERS
  const limit = by ? [by, ...(rev ? ['REV'] : []), 'LIMIT', String(offset), String(most)] : rev ? ['REV'] : []
  return ['ZRANGE', key(of?.key), ...ends, ...limit, ...(byLex ? [] : ['WITHSCORES'])]
}

/** Cut off also where the command knows no limit: by rank. */
function rangeOf(raw: Raw, { byLex }: ZRangeRequest): { member: string; score: number }[] {
  const members = byLex ? textsOf(raw).map((member) => ({ member, score: 0 })) : membersOf(pairsOf(raw))
  return members.slice(0, RANGE_MEMBERS)
}

function bitfieldWords({ get, set, incrBy, overflow }: BitfieldCommand): string[] {
  if (get) return ['GET', get.encoding, get.offset]
  if (set) return ['SET', set.encoding, set.offset, set.value]
  if (incrBy) return ['INCRBY', incrBy.encoding, incrBy.offset, incrBy.increment]
  return overflow ? ['OVERFLOW', OVERFLOWS[overflow.behavior] ?? 'WRAP'] : []
}

const bits = (raw: Raw): number[] =>
  listOf(raw).map((each) => (each === null ? (null as unknown as number) : Number(each)))

export const COMMANDS: Commands = {
  Get: { ...read, ...text, nil: true, words: (q, key) => ['GET', key(q.key)] },
  GetBytes: {
    ...read,
    ...text,
    nil: true,
    bytes: true,
    words: (q, key) => ['GET', key(q.key)],
    answer: (raw) => ({ value: Buffer.isBuffer(raw) ? raw : Buffer.alloc(0) }),
  },
  Set: {
    ...write,
    ...text,
    words: (q, key) => [
      ...['SET', key(q.key), q.value],
      ...(q.expiration > 0 ? ['EX', String(q.expiration)] : []),
      ...(q.nx ? ['NX'] : q.xx ? ['XX'] : []),
    ],
  },
  Exists: {
    ...read,
    ...whole,
    words: (q, key) => ['EXISTS', ...q.keys.map(key)],
    answer: (raw) => ({ existingKeys: Number(raw) }),
  },
  Del: { ...write, ...whole, words: (q, key) => ['DEL', ...q.keys.map(key)] },
  Type: { ...read, ...text, words: (q, key) => ['TYPE', key(q.key)] },
  Rename: {
    ...write,
    ...text,
    words: (q, key) => ['RENAME', key(q.key), key(q.newKey)],
    answer: (raw) => ({ result: textOf(raw) }),
  },
  IncrBy: { ...write, ...whole, words: (q, key) => ['INCRBY', key(q.key), String(q.value)] },
  HSet: {
    ...write,
    ...whole,
    words: (q, key) => ['HSET', key(q.key), ...q.fv.flatMap((each) => [each.field, each.value])],
  },
  HGet: { ...read, ...text, nil: true, words: (q, key) => ['HGET', key(q.key), q.field] },
  HMGet: { ...read, ...texts, words: (q, key) => ['HMGET', key(q.key), ...q.fields] },
  HGetAll: {
    ...read,
    ...texts,
    words: (q, key) => ['HGETALL', key(q.key)],
    answer: (raw) => ({ fieldValues: Object.fromEntries(pairsOf(raw)) }),
  },
  HDel: { ...write, ...whole, words: (q, key) => ['HDEL', key(q.key), ...q.fields] },
  HScan: {
    ...read,
    words: (q, key) => ['HSCAN', key(q.key), ...scan(q)],
    answer: (raw) => {
      const [cursor = '0', found = []] = listOf(raw)
      return { cursor: Number(cursor), fieldValues: pairsOf(found).map(([field, value]) => ({ field, value })) }
    },
    queued: scanned,
  },
  HKeys: {
    ...read,
    ...texts,
    words: (q, key) => ['HKEYS', key(q.key)],
    answer: (raw) => ({ keys: textsOf(raw) }),
  },
  HIncrBy: { ...write, ...whole, words: (q, key) => ['HINCRBY', key(q.key), q.field, String(q.value)] },
  HLen: { ...read, ...whole, words: (q, key) => ['HLEN', key(q.key)] },
  HSetNX: {
    ...write,
    ...whole,
    words: (q, key) => ['HSETNX', key(q.key), q.field, q.value],
    answer: (raw) => ({ success: Number(raw) }),
  },
  GetRange: { ...read, ...text, words: (q, key) => ['GETRANGE', key(q.key), String(q.start), String(q.end)] },
  SetRange: { ...write, ...whole, words: (q, key) => ['SETRANGE', key(q.key), String(q.offset), q.value] },
  Strlen: { ...read, ...whole, words: (q, key) => ['STRLEN', key(q.key)] },
  MGet: { ...read, ...texts, words: (q, key) => ['MGET', ...q.keys.map(key)] },
  MSet: { ...write, ...nothing, words: (q, key) => ['MSET', ...q.kv.flatMap((each) => [key(each.key), each.value])] },
  Expire: { ...write, ...nothing, words: (q, key) => ['EXPIRE', key(q.key), String(q.seconds)] },
  ExpireTime: { ...read, ...whole, words: (q, key) => ['EXPIRETIME', key(q.key)] },
  ZAdd: {
    ...write,
    ...whole,
    words: (q, key) => ['ZADD', key(q.key), ...q.members.flatMap(({ score, member }) => [String(score), member])],
  },
  ZCard: { ...read, ...whole, words: (q, key) => ['ZCARD', key(q.key)] },
  ZRange: {
    ...read,
    words: rangeWords,
    answer: (raw, q) => ({ members: rangeOf(raw, q) }),
    queued: (raw, q) => ({ members: { members: rangeOf(raw, q) } }),
  },
  ZRem: { ...write, ...whole, words: (q, key) => ['ZREM', key(q.key?.key), ...q.members] },
  ZRemRangeByLex: { ...write, ...whole, words: (q, key) => ['ZREMRANGEBYLEX', key(q.key?.key), q.min, q.max] },
  ZRemRangeByRank: {
    ...write,
    ...whole,
    words: (q, key) => ['ZREMRANGEBYRANK', key(q.key?.key), String(q.start), String(q.stop)],
  },
  ZRemRangeByScore: {
    ...write,
    ...whole,
    words: (q, key) => ['ZREMRANGEBYSCORE', key(q.key?.key), String(q.min), String(q.max)],
  },
  ZScore: { ...read, ...real, nil: true, words: (q, key) => ['ZSCORE', key(q.key?.key), q.member] },
  ZRank: { ...read, ...whole, nil: true, words: (q, key) => ['ZRANK', key(q.key?.key), q.member] },
  ZIncrBy: { ...write, ...real, words: (q, key) => ['ZINCRBY', key(q.key), String(q.value), q.member] },
  ZScan: {
    ...read,
    words: (q, key) => ['ZSCAN', key(q.key), ...scan(q)],
    answer: (raw) => {
      const [cursor = '0', found = []] = listOf(raw)
      return { cursor: Number(cursor), members: membersOf(pairsOf(found)) }
    },
    queued: scanned,
  },
  Bitfield: {
    ...write,
    words: (q, key) => ['BITFIELD', key(q.key), ...q.commands.flatMap(bitfieldWords)],
    answer: (raw) => ({ results: bits(raw) }),
    queued: (raw) => ({ values: { values: textsOf(raw) } }),
  },
}
