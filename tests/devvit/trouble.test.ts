/**
 * Whoever leads on Devvit dies, at the worst moment: right after it renewed its lease. How long the room stands still is
 * printed and judges nothing; what is in the log does. `cargo xtask soak devvit --filter j14` does it fifty times each.
 */

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { RedisClientType } from '@redis/client'
import { createClient } from '@redis/client'
import { afterEach, expect, test } from 'vitest'
import { atMost, percentile, plain } from '../../js-host/bench/figure'
import { type LocalDevvit, type Options, startLocal } from '../../js-host/devvit/local/local.ts'
import { Bot, QUIET } from '../e2e/support/bot'
import { until } from '../e2e/support/browser'
import { Crew } from '../e2e/support/crew'
import { against } from '../e2e/support/room-log'
import { slotsOf } from './support/log'
import { asUser, POST, ROOM } from './support/players'

const PACE = { frame_ms: 100, lease_ms: 200, poll_ms: 500 }
const PROCESSES = 4
/** Of each kind of death. */
const ROUNDS = process.env.BATON_SOAK ? 50 : 4
const LIMIT_MS = ROUNDS * 15_000 + 60_000
/** The key of a lease lives for whole seconds, and half of one more. */
const KEY_MS = 2_000

let devvit: LocalDevvit
let redis: RedisClientType

async function start(extra?: Options['extra']): Promise<void> {
  const variables = { BATON_ROOMS: JSON.stringify({ ...PACE, rooms: { contagion: QUIET } }), BATON_RATE_USER: '0/0' }
  devvit = await startLocal({
    instances: PROCESSES,
    schedule: false,
    log: () => {},
    variables,
    ...(extra ? { extra } : {}),
  })
  redis = createClient({ url: devvit.redis }) as RedisClientType
  redis.on('error', () => {})
  await redis.connect()
}
afterEach(async () => {
  redis?.destroy()
  await devvit?.stop()
})

const log = async () => (await slotsOf(redis, ROOM)).frames
/** How many slots are filled, by one call: for the time between two frames. */
const slots = async () => {
  const keys = (await redis.keys(`*{${ROOM}}:log:*`)).sort()
  const counts = await Promise.all(keys.map(async (key) => ((await redis.type(key)) === 'hash' ? redis.hLen(key) : 64)))
  return counts.reduce((sum, count) => sum + count, 0)
}
const living = async () => {
  const status = (await (await fetch(`${devvit.url}/__local/status`)).json()) as {
    processes: { pid: number; listening: boolean }[]
  }
  return status.processes.filter(({ listening }) => listening).map(({ pid }) => pid)
}

/** Has the next process that renews a lease die of it. */
async function strike(): Promise<void> {
  const before = await living()
  devvit.faults({ kill_after: 1, only: ['Set'] })
  await until('a death', 30_000, async () => {
    const now = await living()
    return before.some((pid) => !now.includes(pid))
  })
  devvit.faults({ kill_after: 0, only: [] })
}

/** From now until the next frame, in milliseconds. */
async function standsStill(): Promise<number> {
  const before = await slots()
  const began_ms = performance.now()
  await until('a frame', 60_000, async () => (await slots()) > before)
  return performance.now() - began_ms
}

const SKEWED = pathToFileURL(join(import.meta.dirname, '../e2e/support/skewed-clock.mjs')).href
/** How wrong the clocks of four processes are, in milliseconds. */
const SKEWS_MS = [-600_000, 0, 600_000, 0]

const all = () => until('all processes', 60_000, async () => (await living()).length === PROCESSES)

test('j14_a_leader_that_dies_is_followed_by_who_has_seen_the_room_and_by_who_has_not', {
  timeout: LIMIT_MS,
}, async () => {
  await start()
  const crew = await Crew.playing(4, devvit.url, POST, (index) => asUser(devvit, `player${index}`))
  const warm: number[] = []
  const cold: number[] = []
  await crew.walking(async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await all()
      await until('frames', 30_000, async () => (await slots()) > 5)
      await strike()
      warm.push(await standsStill())
      await all()
      await strike()
      // Nobody is left who has seen the room.
      for (const pid of await living()) process.kill(pid, 'SIGKILL')
      cold.push(await standsStill())
    }
  })
  const frames = await log()
  expect(against(frames, null)).toEqual([])
  expect(new Set(frames.map(({ by }) => by)).size).toBeGreaterThan(ROUNDS)
  expect(crew.differences(3)).toEqual([])
  const lease_ms = PACE.lease_ms + PACE.poll_ms
  for (const percent of [50, 99]) {
    atMost(`no frame after a leader died, others warm, p${percent}`, percentile(warm, percent), 'ms', lease_ms)
    atMost(`the same, all others cold, p${percent}`, percentile(cold, percent), 'ms', KEY_MS + PACE.poll_ms)
  }
})

test('j17_a_process_that_stands_still_while_its_frame_is_on_the_way_forks_nothing', async () => {
  await start()
  const crew = await Crew.playing(4, devvit.url, POST, (index) => asUser(devvit, `player${index}`))
  // Longer than any lease: others have led meanwhile.
  devvit.faults({ late: 0.05, late_ms: 3 * PACE.lease_ms, only: ['HSetNX'] })
  await crew.walking(() => until('a long log', 90_000, async () => (await slots()) > 150))
  devvit.faults({ late: 0, only: [] })
  await crew.walking(() => new Promise((done) => setTimeout(done, 1_000)))
  const { frames, void: voids } = await slotsOf(redis, ROOM)
  expect(against(frames, null)).toEqual([])
  expect(new Set(frames.map(({ by }) => by)).size).toBeGreaterThan(1)
  expect(crew.differences(20)).toEqual([])
  // What came too late is there, and is no part of the log.
  expect(frames.length + voids).toBe(await slots())
})

test('j11_j18_processes_that_have_seen_a_room_agree_on_its_time_though_their_clocks_are_ten_minutes_apart', async () => {
  await start((number) => ({ imports: [SKEWED], variables: { SKEW_MS: String(SKEWS_MS[number - 1]) } }))
  const send = (index: number) => asUser(devvit, `player${index}`)
  // Who has not seen it has nothing but its own clock once a lease's key has ended (js-host/devvit/README.md): first all see it.
  const first = await Bot.join(devvit.url, POST, send(0))
  for (let turn = 0; turn < 60; turn += 1) await first.ask()
  const crew = await Crew.playing(4, devvit.url, POST, (index) => send(index + 1))
  const from = await log()
  const began_ms = performance.now()
  await crew.walking(() => until('a long log', 90_000, async () => (await slots()) > from.length + 100))
  const passed_ms = performance.now() - began_ms
  const frames = await log()
  expect(against(frames, null)).toEqual([])
  const walked = frames.slice(from.length)
  expect(new Set(walked.map(({ by }) => by)).size).toBeGreaterThan(1)
  expect(crew.differences(20)).toEqual([])
  // The store has no clock: what passed in the log is what passed, though no two clocks agree.
  const told_ms = (walked.at(-1)?.time_ms ?? 0) - (walked[0]?.time_ms ?? 0)
  plain('time of the log beside that of the day', told_ms / passed_ms, '')
  expect(told_ms).toBeLessThan(passed_ms + 1_000)
  expect(walked.flatMap(({ entries }) => entries).filter(({ tag }) => tag === 'leave')).toEqual([])
})
