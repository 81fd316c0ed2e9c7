/** Workers with their rooms in Redis, over HTTP: a match, and its history. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { RedisServer } from '../stores/support/redis-server'
import { RestFront } from '../stores/support/rest-front'
import { type Server, startServer } from './server'
import { Bot, QUIET } from './support/bot'
import { History } from './support/history'
import { buildJudge, disturbed, judge, keep } from './support/judge'

const PLAYERS = 4
const TURNS = 10

let redis: RedisServer
let front: RestFront
let variables: Record<string, string>
let server: Server

beforeAll(async () => {
  await buildJudge()
  redis = await RedisServer.start()
  front = await RestFront.start(await redis.connect())
  const rooms = JSON.stringify({ rooms: { contagion: QUIET } })
  variables = { BATON_ROOMS: rooms, BATON_STORE: front.url, BATON_STORE_TOKEN: front.token }
  server = await startServer({ mode: 'stateless', variables })
}, 600_000)
afterAll(async () => {
  await server?.stop()
  await front?.stop()
  await redis?.stop()
})

test('b12_what_players_on_workers_and_redis_were_told_is_one_history', async () => {
  const history = new History()
  const bots = await Promise.all(Array.from({ length: PLAYERS }, () => Bot.of(server.url, 'redis')))
  for (const [index, bot] of bots.entries()) bot.send = disturbed(history, `player ${index}`)
  await Promise.all(bots.map((bot) => bot.until('a player who has joined', () => bot.status() === 'live')))
  await Promise.all(bots.map((bot) => bot.until('play', () => bot.view().hud.phase === 'playing')))
  const walk = async (bot: Bot, from: number) => {
    for (let turn = 0; turn < TURNS; turn += 1) await bot.steer((from + turn) % 32)
  }
  await Promise.all(bots.map(walk))
  await history.log(server.url, 'contagion/redis')
  const { status, said } = await judge(keep('workers-redis', history.text()))
  expect(status, said).toBe(0)
  expect(said).toMatch(new RegExp(` [1-9]\\d* answered, .* ${PLAYERS * TURNS} actions, 0 losses, 0 resets`))
})

test('a_setting_that_does_not_fit_is_named', async () => {
  const embedded = await startServer({ mode: 'embedded', variables })
  try {
    const answer = await fetch(`${embedded.url}/api/health`)
    expect([answer.status, await answer.json()]).toMatchObject([503, { code: 'misconfigured' }])
    expect(embedded.log()).toContain('BATON_MODE')
  } finally {
    await embedded.stop()
  }
})
