/**
 * Sixteen processes of the Node host on one Redis, which share nothing else and whose clocks are ten minutes apart: one
 * game. What is said of frames, ticks and writers is read in the log itself; no verdict hangs on how fast this machine is.
 */

import type { RedisClientType } from '@redis/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { atMost, plain } from '../../js-host/bench/figure'
import { RedisServer } from '../stores/support/redis-server'
import { guest } from './device'
import { HORDE } from './support/bot'
import { until } from './support/browser'
import { Crew } from './support/crew'
import { PROCESSES, SKEWS_MS } from './support/hosts'
import { NodeFleet } from './support/node-host'
import { mostZombies, replayed } from './support/replayed'
import { against, Leases, type Logged, logOf, ratesOf, TELLS_LEASES } from './support/room-log'

const MINUTE_MS = 60_000
const PACE = { frame_ms: 100, lease_ms: 200 }

/** How long a match lasts at most. */
const PLAY_MS = 180_000

const settings = (contagion: object) => ({ BATON_ROOMS: JSON.stringify({ ...PACE, rooms: { contagion } }) })
const one = (fleet: NodeFleet) => () => fleet.send

let redis: RedisServer
let client: RedisClientType
let fleet: NodeFleet
let leases: Leases

beforeAll(async () => {
  redis = await RedisServer.start(TELLS_LEASES)
  client = await redis.connect()
  leases = await Leases.of(redis)
  fleet = await NodeFleet.start(PROCESSES, `redis://127.0.0.1:${redis.port}`, settings(HORDE), SKEWS_MS)
})
afterAll(async () => {
  await fleet?.stop()
  leases?.stop()
  await client?.close()
  await redis?.stop()
})

/** What of a room's log is against a law. */
async function wrong(room: string, frames: Logged[]): Promise<string[]> {
  return against(frames, await leases.ended(room, frames.length))
}

/** The time of day by the store. */
const storeTime = async () => Number((await client.time())[0]) * 1_000

test('j18_their_clocks_are_wrong', async () => {
  const expiries = await Promise.all(
    fleet.processes.map(async ({ url }) => ((await guest(url)) as unknown as { expires_ms: number }).expires_ms),
  )
  expect(Math.max(...expiries) - Math.min(...expiries)).toBeGreaterThan(19 * MINUTE_MS)
})

test('j06_j08_j10_j11_j12_j18_sixteen_processes_with_wrong_clocks_are_one_game', async () => {
  const began_ms = await storeTime()
  const crew = await Crew.playing(6, fleet.url, 'horde', one(fleet))
  await crew.walking(
    () => until('a long log', 60_000, async () => (await logOf(client, 'contagion/horde')).length > 60),
    false,
  )
  const frames = await logOf(client, 'contagion/horde')
  expect(await wrong('contagion/horde', frames)).toEqual([])
  const writers = new Set(frames.map(({ by }) => by))
  expect(writers.size).toBeGreaterThan(1)
  plain('processes that led in a log of 60 frames, of 16', writers.size, '')
  // By the store's clock alone: those of the processes are ten minutes away.
  const times_ms = frames.map(({ time_ms }) => time_ms)
  expect(Math.min(...times_ms)).toBeGreaterThan(began_ms - MINUTE_MS)
  expect(Math.max(...times_ms)).toBeLessThan((await storeTime()) + MINUTE_MS)
  // Everybody sees what one engine makes of the log: no host added a zombie.
  const alone = replayed(frames)
  expect(alone.broken).toBe(false)
  expect(mostZombies(alone)).toBeGreaterThanOrEqual(HORDE.zombies_at_start)
  expect(crew.differences(20)).toEqual([])
})

test('what_is_against_a_law_of_the_log_is_named', async () => {
  const frames = await logOf(client, 'contagion/horde')
  const young = (now: Logged, before: Logged | undefined) => now.time_ms - (before?.time_ms ?? 0) <= 2 * PACE.lease_ms
  const handed = frames.findIndex(
    (frame, index) => index > 10 && frame.by !== frames[index - 1]?.by && young(frame, frames[index - 1]),
  )
  const [before, after] = frames.slice(handed - 1, handed + 1) as [Logged, Logged]
  const ended = await leases.ended('contagion/horde', frames.length)
  const forged = (more: Partial<Logged>) => against(frames.with(handed, { ...after, ...more }), ended).join()
  expect(forged({})).toBe('')
  expect(forged({ v: after.v + 1 })).toContain('not the next version')
  expect(forged({ previous: after.previous.with(0, 1 ^ (after.previous[0] ?? 0)) })).toContain('another frame before')
  expect(forged({ epoch: before.epoch })).toContain('a new writer without an epoch')
  expect(forged({ by: before.by })).toContain('an epoch without a new writer')
  expect(ended.delete(before.v)).toBe(true)
  expect(forged({})).toMatch(new RegExp(`^${after.v}: a new writer into a lease: [^:]+$`))
  ended.add(before.v)
  expect(forged({ tick: after.tick + 1 })).toContain('beside its tick')
  expect(forged({ tick: after.tick - 1 })).toContain('beside its tick')
})

test('j08_without_coordination_they_are_many_games', async () => {
  const alone = await NodeFleet.start(2, 'memory', settings(HORDE))
  try {
    const crew = await Crew.of(4, alone.url, 'horde', (index) => (url, init) => {
      const { pathname } = new URL(url)
      return fetch(`${alone.processes[index % 2]?.url}${pathname}`, init)
    })
    await until('a second game', 30_000, async () => {
      await crew.all((bot) => bot.ask())
      return crew.differences(0).length > 0
    })
  } finally {
    await alone.stop()
  }
})

test('j01_j02_one_countdown_whoever_joins_then_and_later_and_none_when_all_have_left', async () => {
  const crew = await Crew.of(PROCESSES, fleet.url, 'countdown', one(fleet))
  // All at once, each on a process of its own.
  await crew.all((bot) => bot.ask())
  await crew.all((bot) => bot.until('a player', () => bot.status() === 'live'))
  await crew.all((bot) => bot.until('the first match', () => bot.view().hud.phase === 'playing'))
  const later = await Crew.playing(2, fleet.url, 'countdown', one(fleet))
  const frames = await logOf(client, 'contagion/countdown')
  const joins = frames.flatMap(({ tick, entries }) => entries.filter(({ tag }) => tag === 'join').map(() => tick))
  expect(joins.length).toBe(PROCESSES + 2)
  const huds = [...crew.bots, ...later.bots].map((bot) => ({ match: bot.view().hud.match_id, ends: bot.ends() }))
  expect(huds).toEqual(huds.map(() => ({ match: 1, ends: huds[0]?.ends })))
  // The first join is tick 0: play begins with the tick after its countdown, and no join puts that off.
  const began_ms = (huds[0]?.ends ?? 0) * 100 - PLAY_MS
  expect(began_ms).toBeGreaterThanOrEqual(HORDE.countdown_ms)
  expect(began_ms).toBeLessThanOrEqual(HORDE.countdown_ms + 100)
  await Promise.all([crew, later].map((each) => each.all((bot) => bot.leave())))
  const view = async () => {
    const answer = await fleet.send(`${fleet.url}/api/rooms/contagion/countdown/view`, {})
    return ((await answer.json()) as { game: { phase: string } }).game.phase
  }
  await until('nobody there', 20_000, async () => (await view()) !== 'countdown')
  const all = await logOf(client, 'contagion/countdown')
  expect(await wrong('contagion/countdown', all)).toEqual([])
})

test('j09_sixteen_processes_make_no_more_frames_than_one', async () => {
  const [first] = fleet.processes
  const single = () => (url: string, init: RequestInit) => fetch(`${first?.url}${new URL(url).pathname}`, init)
  // At the same time, so that whatever else the machine does slows both.
  const crews = await Promise.all([
    Crew.playing(4, fleet.url, 'alone', single),
    Crew.playing(4, fleet.url, 'many', one(fleet)),
  ])
  const long = async (room: string) => (await logOf(client, `contagion/${room}`)).length > 60
  const both = () => until('two long logs', 60_000, async () => (await long('alone')) && long('many'))
  await Promise.all(crews.map((crew) => crew.walking(both, false)))
  const logs = await Promise.all(
    ['contagion/alone', 'contagion/many'].map(async (room) => {
      const log = await logOf(client, room)
      expect(await wrong(room, log)).toEqual([])
      return log
    }),
  )
  const [alone = 0, many = 0] = ratesOf(logs)
  plain('frames of a room on one process', alone, '1/s')
  atMost('frames of a room on 16 processes', many, '1/s', alone * 1.05)
  expect(many).toBeLessThanOrEqual(alone * 1.05)
})
