/** One process of the Node host: with its rooms in memory, with a page, and what it leaves to the next in a Redis. */

import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { MAX_AT_ONCE } from '../../js-host/src/at-once'
import { FaultProxy } from '../stores/support/fault-proxy'
import { RedisServer } from '../stores/support/redis-server'
import { codeOf } from './device'
import { Bot, QUIET } from './support/bot'
import { compare, openBrowser, Player, until } from './support/browser'
import { Crew } from './support/crew'
import { NodeProcess } from './support/node-host'

const TURNS = 12
const variables = { BATON_ROOMS: JSON.stringify({ rooms: { contagion: QUIET } }) }

const started: NodeProcess[] = []
/** One process; ended after the test, however that ends. */
async function single(more: Record<string, string> = {}): Promise<NodeProcess> {
  const host = await NodeProcess.start('memory', { ...variables, ...more })
  started.push(host)
  return host
}
afterEach(() => Promise.all(started.splice(0).map((host) => host.end('SIGKILL'))))

test('j20_the_same_game_runs_as_one_process_with_its_rooms_in_memory', async () => {
  const host = await single()
  const crew = await Crew.playing(3, host.url, 'single', () => fetch)
  await crew.walking(() => until('turns', 60_000, async () => crew.turns >= 3 * TURNS))
  expect(crew.differences(10)).toEqual([])
  const metrics = await (await fetch(host.metrics)).text()
  expect(metrics).toMatch(/^baton_requests_total [1-9]\d+$/m)
  expect(metrics).toMatch(/^baton_led_total [1-9]\d+$/m)
  expect(metrics).toMatch(/^baton_warm_rooms 1$/m)
  expect(metrics).toMatch(/^baton_inbox_wait_seconds_count [1-9]\d*$/m)
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

test('b38_a_process_with_too_much_in_hand_says_so_at_once_and_answers_the_rest', async () => {
  const [redis, more] = [await RedisServer.start(), 20]
  const proxy = await FaultProxy.start(redis.port)
  try {
    const host = await NodeProcess.start(`redis://127.0.0.1:${proxy.port}`, { BATON_STORE_TIMEOUT_MS: '60000' })
    started.push(host)
    proxy.waiting = []
    let answered = 0
    const ask = async (nth: number) => {
      const answer = await fetch(`${host.url}/api/rooms/contagion/nobody-${nth}/view`)
      answered += 1
      return codeOf(answer)
    }
    const all = Array.from({ length: MAX_AT_ONCE + more }, (_, nth) => ask(nth))
    await until('refusals', 30_000, async () => answered === more)
    expect(await host.count('baton_requests_in_hand')).toBe(MAX_AT_ONCE)
    // Other routes are open.
    expect((await fetch(`${host.url}/api/health`)).status).toBe(200)
    proxy.letGo()
    const codes = await Promise.all(all)
    expect(codes.filter((code) => code === '503 busy')).toHaveLength(more)
    expect(codes.filter((code) => code === '404 not_found')).toHaveLength(MAX_AT_ONCE)
  } finally {
    await proxy.stop()
    await redis.stop()
  }
})

test('behind_a_proxy_whom_that_names_is_limited_and_not_the_proxy', async () => {
  const limits = { BATON_RATE_ADDRESS: '0.01/2', BATON_ADDRESS_HEADER: 'X-Forwarded-For' }
  const host = await single(limits)
  const ask = async (named: string) => {
    const answer = await fetch(`${host.url}/api/health`, { headers: { 'x-forwarded-for': named } })
    return answer.status
  }
  // What a caller says of itself comes before what the proxy adds.
  expect(await Promise.all(['192.0.2.1', '203.0.113.9, 192.0.2.1'].map(ask))).toEqual([200, 200])
  expect(await ask('203.0.113.10,192.0.2.1')).toBe(429)
  expect(await ask('192.0.2.1, 192.0.2.2')).toBe(200)
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
    await bot.plays()
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

describe('processes that follow each other on one Redis', () => {
  let redis: RedisServer
  let store: string
  beforeAll(async () => {
    redis = await RedisServer.start()
    store = `redis://127.0.0.1:${redis.port}`
  })
  afterAll(() => redis?.stop())

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
      await bot.plays()
      await bot.steer(3)
      const lease = `baton:{contagion/${room}}:lease`
      expect(await client.exists(lease)).toBe(1)
      await host.end(signal)
      expect(await client.exists(lease)).toBe(left)
    }
    await client.close()
  })
})
