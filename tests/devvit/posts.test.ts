/** Posts with nobody in them: a heartbeat that touches their rooms, if it is wanted, and what is left of one that was deleted. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { Bot, QUIET } from '../e2e/support/bot'
import { until } from '../e2e/support/browser'
import { ROOT } from '../e2e/support/cargo'
import { Crew } from '../e2e/support/crew'
import { against } from '../e2e/support/room-log'
import { App } from './support/app'
import { asUser, POST, ROOM } from './support/players'

const ROOMS = { idle_ms: 200, rooms: { contagion: QUIET } }
const APP = join(ROOT, 'js-host/devvit')

let app: App
afterEach(() => app?.stop())

const plays = async () => (await Crew.playing(2, app.url, POST, app.send)).bots

test('p10_a_heartbeat_has_rooms_go_on_while_nobody_asks', async () => {
  app = await App.start(ROOMS)
  await plays()
  // Answers of the players may still be on their way.
  await pause(500)
  const before = await app.filled()
  await pause(2_000)
  expect(await app.filled()).toBe(before)
  await until('more frames', 30_000, async () => {
    expect((await app.devvit.tick('heartbeat')).status).toBe(200)
    return (await app.filled()) > before + 3
  })
  expect(against(await app.log(), null)).toEqual([])
})

test('p10_a_heartbeat_is_off_unless_the_configuration_says_how_often_it_comes', async () => {
  const written = JSON.parse(readFileSync(join(APP, 'devvit.json'), 'utf8'))
  expect(written.scheduler.tasks.heartbeat.cron).toBeUndefined()
  written.scheduler.tasks.heartbeat.cron = '*/1 * * * * *'
  const folder = mkdtempSync(join(tmpdir(), 'baton-heartbeat-'))
  try {
    const config = join(folder, 'devvit.json')
    writeFileSync(config, JSON.stringify(written))
    const { server, post } = written
    const built = { server: join(APP, server.dir, server.entry), client: join(APP, post.dir) }
    app = await App.start(ROOMS, { ...built, config, schedule: true })
    await plays()
    const before = await app.filled()
    await until('more frames', 30_000, async () => (await app.filled()) > before + 3)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('p10_a_heartbeat_knows_the_newest_sixteen_posts', async () => {
  app = await App.start(ROOMS)
  const posts: string[] = []
  for (let count = 0; count < 18; count += 1) {
    const pressed = await fetch(`${app.url}/__local/menu/0`, { method: 'POST' })
    posts.push(...((await pressed.json()) as { posts: string[] }).posts)
  }
  const [key = ''] = await app.redis.keys('*baton:posts')
  expect(await app.redis.zRange(key, 0, -1)).toEqual(posts.slice(-16))
  await app.devvit.trigger('onPostDelete', { postId: posts.at(-1) })
  expect(await app.redis.zRange(key, 0, -1)).toEqual(posts.slice(-16, -1))
})

/** Every key of a post's room, with what it is and holds. */
async function left(post: string): Promise<Record<string, string>> {
  const keys = (await app.redis.keys(`*{contagion/${post}}:*`)).sort()
  const found = await Promise.all(
    keys.map(async (key) => {
      const type = await app.redis.type(key)
      const name = key.slice(key.indexOf('}:') + 2)
      return [name, type === 'string' ? ((await app.redis.get(key)) ?? '') : type] as const
    }),
  )
  // A lease says which version renewed it, and ends by itself.
  return Object.fromEntries(found.filter(([name]) => name !== 'lease'))
}

test('p10_of_a_deleted_post_nothing_is_left_that_anybody_said_though_pages_are_still_open', async () => {
  app = await App.start({ ...ROOMS, frame_ms: 20, lease_ms: 100 })
  const other = await app.devvit.post('another')
  await Bot.join(app.url, other, asUser(app.devvit, 'alice', other))
  const untouched = await left(other)
  const crew = await Crew.playing(4, app.url, POST, app.send)
  await crew.walking(() => until('a long log', 60_000, async () => (await app.filled()) > 140))
  expect(Object.keys(await left(POST))).toEqual(expect.arrayContaining(['log:0', 'log:1', 'log:2', 'snapshot:1']))
  // They go on: whoever has the room warm tries to write.
  let over = false
  const asking = crew.all(async (bot, index) => {
    while (!over) {
      bot.replica.steer(index, performance.now())
      await bot.ask()
    }
  })
  expect((await app.devvit.trigger('onPostDelete', { postId: POST })).status).toBe(200)
  const buried = await left(POST)
  expect(new Set(Object.values(buried))).toEqual(new Set(['-']))
  await pause(3_000)
  over = true
  await asking
  const late = await Bot.of(app.url, POST, app.send(9))
  for (let turn = 0; turn < 20; turn += 1) await late.ask()
  expect(late.status()).not.toBe('live')
  expect(await left(POST)).toEqual(buried)
  const view = await asUser(app.devvit, undefined)(`${app.url}/api/rooms/${ROOM}/view`, {})
  expect(view.status).toBeGreaterThanOrEqual(400)
  // It comes at least once.
  expect((await app.devvit.trigger('onPostDelete', { postId: POST })).status).toBe(200)
  expect(await left(POST)).toEqual(buried)
  expect(await left(other)).toEqual(untouched)
  for (const postId of ['', 't3_never', 'contagion/x', 7]) await app.devvit.trigger('onPostDelete', { postId })
  expect(await left('t3_never')).toEqual({})
})
