/**
 * Whoever leads on Devvit dies, at the worst moment: right after it renewed its lease; or all are replaced in turn, or
 * stand still, or tell the time wrongly. How long the room stands still is printed and judges nothing; what is in the log
 * does. `cargo xtask soak devvit --filter j14` does it fifty times each, `--filter j15` four hundred times.
 */

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { atMost, percentile, plain } from '../../js-host/bench/figure'
import type { Options } from '../../js-host/devvit/local/local.ts'
import { Bot, QUIET } from '../e2e/support/bot'
import { until } from '../e2e/support/browser'
import { Crew } from '../e2e/support/crew'
import { History } from '../e2e/support/history'
import { buildJudge, disturbed, forge, judge, keep } from '../e2e/support/judge'
import { against } from '../e2e/support/room-log'
import { App, BAD_CALLS } from './support/app'
import { asUser, POST, ROOM } from './support/players'

const PACE = { frame_ms: 100, lease_ms: 200, poll_ms: 500 }
/** A match that lasts for as long as any of the long forms. */
const ENDLESS = { ...QUIET, play_ms: 24 * 3_600_000 }
/** Of each kind of death. */
const ROUNDS = process.env.BATON_SOAK ? 50 : 4
const LIMIT_MS = ROUNDS * 15_000 + 60_000
/** The key of a lease lives for whole seconds, and half of one more. */
const KEY_MS = 2_000

let app: App

const start = async (options?: Options) => {
  app = await App.start({ ...PACE, rooms: { contagion: ENDLESS } }, options)
}
afterEach(() => app?.stop())

/** Has the next process that renews a lease die of it. */
async function strike(): Promise<void> {
  const before = await app.living()
  app.devvit.faults({ kill_after: 1, only: ['Set'] })
  await until('a death', 30_000, async () => {
    const now = await app.living()
    return before.some((pid) => !now.includes(pid))
  })
  app.devvit.faults({ kill_after: 0, only: [] })
}

/** From now until the next frame, in milliseconds. */
async function standsStill(): Promise<number> {
  const before = await app.filled()
  const began_ms = performance.now()
  await until('a frame', 60_000, async () => (await app.filled()) > before)
  return performance.now() - began_ms
}

const SKEWED = pathToFileURL(join(import.meta.dirname, '../e2e/support/skewed-clock.mjs')).href
/** How wrong the clocks of four processes are, in milliseconds. */
const SKEWS_MS = [-600_000, 0, 600_000, 0]

test('j14_a_leader_that_dies_is_followed_by_who_has_seen_the_room_and_by_who_has_not', {
  timeout: LIMIT_MS,
}, async () => {
  await start()
  const crew = await Crew.playing(4, app.url, POST, app.send)
  const warm: number[] = []
  const cold: number[] = []
  await crew.walking(async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await app.whole()
      await until('frames', 30_000, async () => (await app.filled()) > 5)
      await strike()
      warm.push(await standsStill())
      await app.whole()
      await strike()
      // Nobody is left who has seen the room.
      for (const pid of await app.living()) process.kill(pid, 'SIGKILL')
      cold.push(await standsStill())
    }
  })
  const frames = await app.log()
  expect(against(frames, null)).toEqual([])
  expect(new Set(frames.map(({ by }) => by)).size).toBeGreaterThan(ROUNDS)
  expect(crew.differences(3)).toEqual([])
  const lease_ms = PACE.lease_ms + PACE.poll_ms
  for (const percent of [50, 99]) {
    atMost(`no frame after a leader died, others warm, p${percent}`, percentile(warm, percent), 'ms', lease_ms)
    atMost(`the same, all others cold, p${percent}`, percentile(cold, percent), 'ms', KEY_MS + PACE.poll_ms)
  }
})

test('j13_when_a_leader_is_dead_the_next_request_leads_and_until_then_a_player_sees_that_nothing_comes', {
  timeout: LIMIT_MS,
}, async () => {
  await start()
  const crew = await Crew.playing(3, app.url, POST, app.send)
  const [bot] = crew.bots as [Bot]
  for (let round = 0; round < ROUNDS; round += 1) {
    // Who has said nothing for long has left.
    await crew.all((bot) => bot.until('a figure', () => bot.status() === 'live' && bot.view().mine !== null, 60_000))
    await crew.walking(strike)
    await app.whole()
    await bot.until('a live game', () => bot.status() === 'live')
    const before = await app.log()
    // Nobody asks, and the player looks on: time goes on for as long as it may be predicted, and then it is said.
    await until('a stalled game', 60_000, async () => {
      bot.view()
      return bot.status() === 'stalled'
    })
    const shown = () => JSON.stringify([bot.view(), bot.replica.tick()])
    const stalled = shown()
    await until('no lease', 60_000, async () => (await app.redis.keys(`*{${ROOM}}:lease`)).length === 0)
    expect([shown(), bot.status()]).toEqual([stalled, 'stalled'])
    let asked = 0
    const way = bot.send
    bot.send = (url, init) => {
      asked += 1
      return way(url, init)
    }
    expect([await bot.steer(round), asked, bot.status()]).toEqual([0, 1, 'live'])
    bot.send = way
    const frames = await app.log()
    expect(frames.length).toBe(before.length + 1)
    expect(against(frames, null)).toEqual([])
  }
})

/**
 * By so much the log may tell of more time than passed: the first frame that counts is as old as its writer's read, and a
 * call may take five seconds. Time that counted twice would be far more.
 */
const READ_BEFORE_MS = 5_000

/** Of single processes, in turn. */
const ROTATIONS = process.env.BATON_SOAK ? 400 : 40

test('j15_processes_that_are_replaced_in_turn_lose_no_tick_and_double_none_on_devvit', {
  timeout: ROTATIONS * 10_000 + 600_000,
}, async () => {
  await buildJudge()
  await start()
  const history = new History()
  const crew = await Crew.playing(6, app.url, POST, (index) => disturbed(history, `player${index}`, app.send(index)))
  app.devvit.faults(BAD_CALLS)
  const from = await app.log()
  const began_ms = performance.now()
  await crew.walking(async () => {
    for (let rotation = 0; rotation < ROTATIONS; rotation += 1) {
      const [oldest = 0] = await app.living()
      const before = await app.filled()
      process.kill(oldest, 'SIGTERM')
      await until('its end', 60_000, async () => !(await app.living()).includes(oldest))
      await app.whole()
      await until('a frame', 60_000, async () => (await app.filled()) > before)
    }
  })
  await crew.walking(() => app.calm())
  const frames = await app.log()
  const passed_ms = performance.now() - began_ms
  // Ticks are the time that passed, and none of it was cut.
  expect(against(frames, null)).toEqual([])
  expect(frames.flatMap(({ entries }) => entries).filter(({ tag }) => tag === 'cut')).toEqual([])
  expect(crew.differences(20)).toEqual([])
  // From the first frame since then: the one before may be older by the time that nobody asked.
  const told_ms = (frames.at(-1)?.time_ms ?? 0) - (frames[from.length]?.time_ms ?? 0)
  plain('time of the log beside that of the day', told_ms / passed_ms, '')
  expect(told_ms).toBeLessThan(passed_ms + READ_BEFORE_MS)
  plain('processes that led', new Set(frames.map(({ by }) => by)).size, '')
  await history.log(app.url, ROOM, asUser(app.devvit, undefined))
  const { status, said } = await judge(keep('devvit-replaced', history.text()))
  expect(status, said).toBe(0)
  expect(await judge(keep('devvit-replaced-forged', forge(history.text())))).toMatchObject({ status: 1 })
})

test('j17_a_process_that_stands_still_while_its_frame_is_on_the_way_forks_nothing', async () => {
  await start()
  const crew = await Crew.playing(4, app.url, POST, app.send)
  // Longer than any lease: others have led meanwhile.
  app.devvit.faults({ late: 0.05, late_ms: 3 * PACE.lease_ms, only: ['HSetNX'] })
  await crew.walking(() => until('a long log', 90_000, async () => (await app.filled()) > 150))
  await crew.walking(() => app.calm())
  const { frames, void: voids } = await app.slots()
  expect(against(frames, null)).toEqual([])
  expect(new Set(frames.map(({ by }) => by)).size).toBeGreaterThan(1)
  expect(crew.differences(20)).toEqual([])
  // What came too late is there, and is no part of the log.
  expect(frames.length + voids).toBe(await app.filled())
})

test('j11_j18_processes_that_have_seen_a_room_agree_on_its_time_though_their_clocks_are_ten_minutes_apart', async () => {
  await start({
    extra: (number) => ({ imports: [SKEWED], variables: { SKEW_MS: String(SKEWS_MS[number - 1]) } }),
  })
  // Who has not seen it has nothing but its own clock once a lease's key has ended (js-host/devvit/README.md): first all see it.
  const first = await Bot.join(app.url, POST, app.send(0))
  for (let turn = 0; turn < 60; turn += 1) await first.ask()
  const crew = await Crew.playing(4, app.url, POST, (index) => app.send(index + 1))
  const from = await app.log()
  const began_ms = performance.now()
  await crew.walking(() => until('a long log', 90_000, async () => (await app.filled()) > from.length + 100))
  const passed_ms = performance.now() - began_ms
  const frames = await app.log()
  expect(against(frames, null)).toEqual([])
  const walked = frames.slice(from.length)
  expect(new Set(walked.map(({ by }) => by)).size).toBeGreaterThan(1)
  expect(crew.differences(20)).toEqual([])
  // The store has no clock: what passed in the log is what passed, though no two clocks agree.
  const told_ms = (walked.at(-1)?.time_ms ?? 0) - (walked[0]?.time_ms ?? 0)
  plain('time of the log beside that of the day', told_ms / passed_ms, '')
  expect(told_ms).toBeLessThan(passed_ms + READ_BEFORE_MS)
  expect(walked.flatMap(({ entries }) => entries).filter(({ tag }) => tag === 'leave')).toEqual([])
})
