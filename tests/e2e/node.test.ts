/**
 * The Node host as real processes: one with its rooms in memory, and several on one Redis, which are killed, stopped
 * and replaced while everybody plays.
 */

import { setTimeout as pause } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { RedisServer } from '../stores/support/redis-server'
import { Bot, QUIET } from './support/bot'
import { compare, openBrowser, Player, until } from './support/browser'
import { History } from './support/history'
import { buildJudge, disturbed, forge, judge, keep } from './support/judge'
import { NodeFleet, NodeProcess } from './support/node-host'

const PLAYERS = 6
const TURNS = 12
/** As long as an action may take while processes come and go. */
const PATIENCE_MS = 60_000
const variables = { BATON_ROOMS: JSON.stringify({ rooms: { contagion: QUIET } }) }

const started: NodeProcess[] = []
/** One process; ended after the test, however that ends. */
async function single(more: Record<string, string> = {}): Promise<NodeProcess> {
  const host = await NodeProcess.start('memory', { ...variables, ...more })
  started.push(host)
  return host
}
afterEach(() => Promise.all(started.splice(0).map((host) => host.end('SIGKILL'))))

const plays = (bot: Bot) => bot.until('play', () => bot.view().hud.phase === 'playing')

async function walk(bots: Bot[]): Promise<void> {
  const walks = bots.map(async (bot, from) => {
    for (let turn = 0; turn < TURNS; turn += 1) expect(await bot.steer((from + turn) % 32, PATIENCE_MS)).toBe(0)
  })
  await Promise.all(walks)
}

test('j20_the_same_game_runs_as_one_process_with_its_rooms_in_memory', async () => {
  const host = await single()
  const bots = await Promise.all(Array.from({ length: 3 }, () => Bot.join(host.url, 'single')))
  await Promise.all(bots.map(plays))
  await walk(bots)
  const [first] = bots as [Bot]
  for (const bot of bots) {
    const { equal, differ } = compare(bot.history(), first.history())
    expect([equal > 10, differ]).toEqual([true, []])
  }
  const metrics = await (await fetch(host.metrics)).text()
  expect(metrics).toMatch(/^baton_requests_total [1-9]\d+$/m)
  expect(metrics).toMatch(/^baton_led_total [1-9]\d+$/m)
  // Routes and refusals are the router's, and the page is there.
  expect((await fetch(`${host.url}/`)).headers.get('content-security-policy')).toContain("default-src 'self'")
  expect(await (await fetch(`${host.url}/api/rooms/nothing/here`, { method: 'POST' })).json()).toMatchObject({
    code: 'not_found',
  })
  expect(await host.end()).toBe(0)
})

test('a_bad_setting_is_named_and_the_process_ends', async () => {
  await expect(NodeProcess.start('memory', { BATON_KEYS: 'none' })).rejects.toThrow(/key/)
  await expect(NodeProcess.start('mysql://here')).rejects.toThrow(/BATON_STORE/)
})

describe('a page on the Node host', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
  })
  afterAll(() => browser?.close())

  test.each([
    ['with', 'on'],
    ['without', 'off'],
  ])('p10_a_page_plays_%s_push_beside_another', async (_, push) => {
    const host = await single({ BATON_PUSH: push })
    const ada = await Player.open(browser, host.url, 'page')
    const bot = await Bot.join(host.url, 'page')
    const seen = await ada.sees(
      'the match',
      ({ phase, me, here }) => phase === 'playing' && me !== null && here.length === 2,
    )
    expect(seen.status).toBe('live')
    const from = await ada.ask((baton) => baton.place())
    await ada.page.keyboard.down('ArrowRight')
    const walked = async () => ((await ada.ask((baton) => baton.place()))?.x ?? 0) > (from?.x ?? 0) + 2_000
    await until('a walk', 20_000, walked)
    await ada.page.keyboard.up('ArrowRight')
    await until('answers', 20_000, async () => (await ada.ask((baton) => baton.pending())) === 0)
    await plays(bot)
    let asked = 0
    const before = bot.replica.version()
    ada.page.on('request', (request) => {
      if (request.method() === 'POST') asked += 1
    })
    for (let turn = 0; turn < 16; turn += 1) await bot.steer(turn)
    const version = bot.replica.version()
    await ada.sees('what the bot did', (look) => look.version >= version)
    // Who is told asks for presence alone, and sees every frame.
    if (push === 'on') expect(asked).toBeLessThan((version - before) / 2)
    else expect(asked).toBeGreaterThan(0)
    const streams = /^baton_streams (\d+)$/m.exec(await (await fetch(host.metrics)).text())?.[1]
    expect(streams).toBe(push === 'on' ? '1' : '0')
    const { equal, differ } = compare(await ada.history(), bot.history())
    expect([equal > 5, differ]).toEqual([true, []])
    await ada.picture(`node-push-${push}`)
    // A socket was refused, a stream too if there is none, and that is all that went wrong.
    expect(ada.faults.filter((fault) => !/WebSocket|426/.test(fault))).toEqual([])
    await ada.close()
  })
})

describe('several processes on one Redis', () => {
  let redis: RedisServer
  let store: string
  beforeAll(async () => {
    await buildJudge()
    redis = await RedisServer.start()
    store = `redis://127.0.0.1:${redis.port}`
  }, 600_000)
  afterAll(() => redis?.stop())

  test('b12_kills_stops_and_rotations_under_play_leave_one_history', async () => {
    const fleet = await NodeFleet.start(4, store, variables)
    const history = new History()
    const url = fleet.processes[0]?.url ?? ''
    let file = ''
    try {
      const bots = await Promise.all(Array.from({ length: PLAYERS }, () => Bot.of(url, 'fleet')))
      for (const [index, bot] of bots.entries()) bot.send = disturbed(history, `player ${index}`, fleet.send)
      await Promise.all(bots.map((bot) => bot.until('a player who has joined', () => bot.status() === 'live')))
      await Promise.all(bots.map(plays))
      await walk(bots)
      let over = false
      const trouble = async () => {
        while (!over) {
          // One dies, one is replaced in order, one stands still for longer than a lease.
          await fleet.add()
          await fleet.take().end('SIGKILL')
          await fleet.add()
          expect(await fleet.take().end('SIGTERM')).toBe(0)
          const [sleeper] = fleet.processes as [NodeProcess]
          sleeper.signal('SIGSTOP')
          await pause(1_000)
          sleeper.signal('SIGCONT')
        }
      }
      const troubled = trouble()
      await walk(bots)
      await walk(bots)
      over = true
      await troubled
      await history.log(fleet.processes[0]?.url ?? '', 'contagion/fleet')
    } finally {
      file = keep('node-redis', history.text())
      await fleet.stop()
    }
    const { status, said } = await judge(file)
    expect(status, said).toBe(0)
    expect(said).toMatch(new RegExp(` [1-9]\\d* answered, .* ${PLAYERS * 3 * TURNS} actions, 0 losses, 0 resets`))
    const forged = await judge(keep('node-redis-forged', forge(history.text())))
    expect(forged, forged.said).toMatchObject({ status: 1, said: expect.stringContaining('acknowledged') })
  }, 300_000)

  test('j15_a_process_that_is_asked_to_end_hands_its_rooms_over', async () => {
    const rooms = { lease_ms: 30_000, rooms: { contagion: QUIET } }
    const client = await redis.connect()
    for (const [signal, left] of [
      ['SIGTERM', 0],
      ['SIGKILL', 1],
    ] as const) {
      const host = await NodeProcess.start(store, { BATON_ROOMS: JSON.stringify(rooms) })
      started.push(host)
      const room = `handover-${left}`
      const bot = await Bot.join(host.url, room)
      await plays(bot)
      await bot.steer(3)
      const lease = `baton:{contagion/${room}}:lease`
      expect(await client.exists(lease)).toBe(1)
      await host.end(signal)
      expect(await client.exists(lease)).toBe(left)
    }
    await client.close()
  })

  test('j14_a_room_whose_leader_was_killed_goes_on_with_another_process', async () => {
    const fleet = await NodeFleet.start(2, store, variables)
    try {
      const bot = await Bot.join(fleet.processes[0]?.url ?? '', 'dead')
      await plays(bot)
      await bot.steer(3)
      await fleet.take().end('SIGKILL')
      bot.url = fleet.processes[0]?.url ?? ''
      expect(await bot.steer(5)).toBe(0)
      expect(bot.status()).toBe('live')
    } finally {
      await fleet.stop()
    }
  })
})
