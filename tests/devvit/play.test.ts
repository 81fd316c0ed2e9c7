/**
 * The app for Devvit, its unmodified bundle in four processes that share a Redis and nothing else: one game, whatever
 * becomes of calls and processes. What is said of frames and writers is read in the log itself; no verdict hangs on how
 * fast this machine is.
 */

import { afterEach, beforeEach, expect, test } from 'vitest'
import { plain } from '../../js-host/bench/figure'
import { Bot, QUIET } from '../e2e/support/bot'
import { until } from '../e2e/support/browser'
import { Crew } from '../e2e/support/crew'
import { History } from '../e2e/support/history'
import { buildJudge, disturbed, forge, judge, keep } from '../e2e/support/judge'
import { against } from '../e2e/support/room-log'
import { App, TROUBLE } from './support/app'
import { costs } from './support/calls'
import { asUser, POST, ROOM } from './support/players'

const PATIENCE_MS = 100_000

let app: App

beforeEach(async () => {
  app = await App.start({ rooms: { contagion: QUIET } })
})
afterEach(() => app?.stop())

test('j20_j08_j10_j19_four_processes_are_one_game_while_calls_fail_and_processes_die', async () => {
  await buildJudge()
  const history = new History()
  const crew = await Crew.playing(6, app.url, POST, (index) => disturbed(history, `player${index}`, app.send(index)))
  app.devvit.faults(TROUBLE)
  await crew.walking(async () => {
    await until('a long log', PATIENCE_MS, async () => {
      const { frames, sealed } = await app.slots()
      return frames.length > 150 && sealed > 0
    })
    await app.devvit.kill()
  })
  // What was late is done by now, and nobody takes it for more than it is.
  await crew.walking(() => app.calm())
  const { frames, void: voids, sealed } = await app.slots()
  expect(against(frames, null)).toEqual([])
  expect(new Set(frames.map(({ by }) => by)).size).toBeGreaterThan(1)
  expect(sealed).toBeGreaterThan(0)
  expect(crew.differences(20)).toEqual([])
  plain('frames', frames.length, '')
  plain('slots whose frame came too late', voids, '')
  plain('turns that were answered', crew.turns, '')
  await history.log(app.url, ROOM, asUser(app.devvit, undefined))
  const file = keep('devvit', history.text())
  expect(await judge(file)).toMatchObject({ status: 0 })
  expect(await judge(keep('devvit-forged', forge(history.text())))).toMatchObject({ status: 1 })
}, 600_000)

test('j03_j07_a_leader_that_dies_holds_nobody_up_for_longer_than_its_lease_and_a_second', async () => {
  const crew = await Crew.playing(2, app.url, POST, app.send)
  const before = await app.log()
  await app.devvit.kill()
  await crew.walking(() =>
    until('a frame of another', 30_000, async () => (await app.log()).at(-1)?.by !== before.at(-1)?.by),
  )
  expect(against(await app.log(), null)).toEqual([])
  expect(crew.differences(3)).toEqual([])
})

test('j20_a_poll_takes_three_calls_a_push_four_a_frame_seven', async () => {
  const crew = await Crew.playing(8, app.url, POST, app.send)
  const before = await app.devvit.calls()
  await crew.walking(() => until('a long log', PATIENCE_MS, async () => (await app.log()).length > 200), false)
  const cost = costs(before, await app.devvit.calls())
  const limits = { polled: 3, followed: 4, led: 7 }
  for (const [deed, limit] of Object.entries(limits) as [keyof typeof limits, number][]) {
    const calls = cost[deed]
    expect(calls.length, deed).toBeGreaterThan(20)
    const within = calls.filter((count) => count <= limit).length / calls.length
    plain(`requests that ${deed}, with at most ${limit} calls`, 100 * within, '%')
    plain(`requests that ${deed}, at most`, Math.max(...calls), 'calls')
    // The rest met the end of a segment, a race that it lost, or a process that had not seen the room yet.
    expect(within, deed).toBeGreaterThan(0.8)
  }
})

test('j20_who_asks_is_whom_the_platform_says_and_a_post_has_one_room', async () => {
  const session = async (name: string | undefined) => {
    const answer = await asUser(app.devvit, name)(`${app.url}/api/session`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        // What a page claims counts for nothing.
        'devvit-user': 't2_mallory',
        authorization: 'Bearer mallory',
      },
      body: '{}',
    })
    return { status: answer.status, ...((await answer.json()) as object) }
  }
  expect(await session('alice')).toMatchObject({ status: 200, user: 't2_alice', name: 'alice', expires_ms: 0 })
  expect(await session(undefined)).toMatchObject({ status: 401, code: 'unauthorized' })
  const bot = await Bot.join(app.url, POST, asUser(app.devvit, 'alice'))
  expect(bot.session.user).toBe('t2_alice')
  const elsewhere = await asUser(app.devvit, 'alice', POST)(`${app.url}/api/rooms/contagion/t3_other/view`, {})
  expect(elsewhere.status).toBe(404)
  const watched = await asUser(app.devvit, undefined)(`${app.url}/api/rooms/${ROOM}/tail`, {})
  expect(watched.status).toBe(200)
  const inner = await asUser(app.devvit, 'alice')(`${app.url}/internal/menu/create-post`, {
    method: 'POST',
    body: '{}',
  })
  expect(inner.status).toBe(404)
})

test('j20_the_trigger_of_an_installation_posts_one_game_however_often_it_comes', async () => {
  const posts = async () => {
    const [key = ''] = await app.redis.keys('local:posts:*')
    return app.redis.hLen(key)
  }
  expect(await posts()).toBe(1)
  const answers = await Promise.all([1, 2, 3].map(() => app.devvit.trigger('onAppInstall')))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(await posts()).toBe(1)
})
