/**
 * A match of fifty in a Reddit post: the app for Devvit in four processes on this machine, with the platform's packages over
 * a real Redis, at once and with each call taking 5 ms. What it costs beside what the platform allows.
 */

import { createClient } from '@redis/client'
import { commands, costs } from '../../tests/devvit/support/calls'
import { asUser, POST } from '../../tests/devvit/support/players'
import { Bot, QUIET } from '../../tests/e2e/support/bot'
import { startLocal } from '../devvit/local/local'
import { atMost, percentile, plain } from './figure'

const PLAYERS = 50
const PROCESSES = 4
const PLAY_MS = 20_000
const ACTION_MS = 1_000
/** What the platform allows an installation. */
const MAX_COMMANDS = 40_000
const MAX_STORAGE_MB = 500
const LIMITS = { polled: 3, followed: 4, led: 7 } as const

for (const delay_ms of [0, 5]) await match(delay_ms)

async function match(delay_ms: number): Promise<void> {
  const rooms = { rooms: { contagion: QUIET } }
  const variables = { BATON_ROOMS: JSON.stringify(rooms), BATON_RATE_USER: '0/0' }
  const devvit = await startLocal({ instances: PROCESSES, schedule: false, faults: { delay_ms }, variables })
  const name = delay_ms === 0 ? 'devvit' : `devvit, ${delay_ms} ms a call`
  try {
    const users = Array.from({ length: PLAYERS }, (_, at) => `player${at}`)
    const bots = await Promise.all(users.map((user) => Bot.join(devvit.url, POST, asUser(devvit, user))))
    await Promise.all(bots.map((bot) => bot.until('play', () => bot.view().hud.phase === 'playing', 60_000)))
    const before = await devvit.calls()
    const began_ms = performance.now()
    const waits_ms = (await Promise.all(bots.map((bot, at) => play(bot, at, began_ms + PLAY_MS)))).flat()
    const took_s = (performance.now() - began_ms) / 1_000
    const after = await devvit.calls()
    const cost = costs(before, after)
    for (const [deed, limit] of Object.entries(LIMITS) as [keyof typeof LIMITS, number][]) {
      atMost(`${name}: calls of a request that ${deed}, p50`, percentile(cost[deed], 50), '', limit)
      plain(`${name}: the same, p99`, percentile(cost[deed], 99), '')
    }
    const requests = Object.values(cost).flat().length
    plain(`${name}: requests of ${PLAYERS} players`, requests / took_s, '1/s')
    plain(`${name}: of these went along with another`, (100 * cost['went along'].length) / requests, '%')
    plain(`${name}: action to visible, p50`, percentile(waits_ms, 50), 'ms')
    plain(`${name}: action to visible, p99`, percentile(waits_ms, 99), 'ms')
    atMost(`${name}: commands`, commands(before, after) / took_s, '1/s', MAX_COMMANDS)
    if (delay_ms === 0) await storage(devvit.redis, bots[0]?.replica.version() ?? 1)
  } finally {
    await devvit.stop()
  }
}

/** Acts again and again. Returns how long each action took until its frame was there. */
async function play(bot: Bot, at: number, until_ms: number): Promise<number[]> {
  const waits_ms: number[] = []
  for (let turn = 0; performance.now() < until_ms; turn += 1) {
    const began_ms = performance.now()
    await bot.steer((at + turn) % 32, 60_000)
    waits_ms.push(performance.now() - began_ms)
    const next_ms = began_ms + ACTION_MS * (0.5 + Math.random())
    await bot.until('the next turn', () => performance.now() >= next_ms)
  }
  return waits_ms
}

/** What an hour of such a match leaves in the store, and what at most stays of a room. */
async function storage(url: string, frames: number): Promise<void> {
  const redis = createClient({ url })
  await redis.connect()
  let bytes = 0
  for (const key of await redis.keys('of:*')) bytes += (await redis.memoryUsage(key)) ?? 0
  redis.destroy()
  const kept = 4_096
  const hour = 36_000
  plain('devvit: a frame of 50 players in the store', bytes / frames, 'B')
  atMost('devvit: an hour of it, if all were kept', (bytes / frames / 1e6) * hour, 'MB', MAX_STORAGE_MB)
  atMost('devvit: what is kept of a room', (bytes / frames / 1e6) * kept, 'MB', MAX_STORAGE_MB)
}
