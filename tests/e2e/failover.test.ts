/**
 * A Redis that fails over to a copy which lacks its last writes, under a match on two processes of Node: what was
 * acknowledged and lost is sent again by whoever keeps it, and applied once. Who keeps nothing loses it.
 */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { Failover } from '../stores/support/failover'
import { Device, guest } from './device'
import { Bot, QUIET } from './support/bot'
import { until } from './support/browser'
import { NodeFleet, NodeProcess } from './support/node-host'
import { PRESENCE } from './wire'

const PLAYERS = 4
const TURNS = 8
const PATIENCE_MS = 60_000
/** Stops walking: an action that the rules always take. */
const STOP = [0, 0]

let redis: Failover
let fleet: NodeFleet

beforeAll(async () => {
  redis = await Failover.start()
  const variables = { BATON_ROOMS: JSON.stringify({ rooms: { contagion: QUIET } }) }
  fleet = await NodeFleet.start(2, redis.url, variables)
})
afterAll(async () => {
  await fleet?.stop()
  await redis?.stop()
})

test('p07_after_a_failover_that_lost_writes_every_acknowledged_action_is_there_once', async () => {
  const url = fleet.processes[0]?.url ?? ''
  const bots = await Promise.all(Array.from({ length: PLAYERS }, () => Bot.of(url, 'failover')))
  for (const bot of bots) bot.send = fleet.send
  await Promise.all(bots.map((bot) => bot.until('a player who has joined', () => bot.status() === 'live')))
  await Promise.all(bots.map((bot) => bot.until('play', () => bot.view().hud.phase === 'playing')))
  const forgetful = new Device(url, 'contagion/failover', await guest(url))
  await forgetful.join()
  const walk = async (bot: Bot, from: number) => {
    for (let turn = 0; turn < TURNS; turn += 1) expect(await bot.steer((from + turn) % 32, PATIENCE_MS)).toBe(0)
  }
  await Promise.all(bots.map(walk))
  await forgetful.act(STOP)
  const copied = async () => {
    const [one, other] = await Promise.all([redis.primary.connect(), redis.replica.connect()])
    const log = 'baton:{contagion/failover}:log'
    const same = (await one.xLen(log)) === (await other.xLen(log))
    await Promise.all([one.close(), other.close()])
    return same
  }
  await until('a copy of all that', 10_000, copied)

  // From here on nothing is copied, and everything is acknowledged.
  redis.sever()
  await Promise.all(bots.map(walk))
  await forgetful.act(STOP, STOP)
  await redis.fail()

  await Promise.all(bots.map(walk))
  expect(bots.map((bot) => bot.notes.filter(({ note }) => note === 'reset').length)).toEqual(bots.map(() => 1))
  // One history, and in it every number of every device, whose marks know no gap.
  await until('pages at one version', PATIENCE_MS, async () => {
    await Promise.all(bots.map((bot) => bot.ask()))
    return new Set(bots.map((bot) => bot.replica.version())).size === 1
  })
  expect(new Set(bots.map((bot) => bot.replica.hash())).size).toBe(1)
  for (const bot of bots) expect([bot.answers.size, bot.replica.pending()]).toEqual([3 * TURNS, 0])
  // The control: who does not keep what was acknowledged misses it.
  const { device } = await forgetful.ask(forgetful.hail({ presence: PRESENCE.here }))
  expect([forgetful.seq, device?.mark]).toEqual([3, 1])
})

test('a_primary_that_is_gone_without_a_word_is_left_for_its_successor', async () => {
  const silent = await Failover.start()
  const variables = { BATON_ROOMS: JSON.stringify({ rooms: { contagion: QUIET } }), BATON_STORE_TIMEOUT_MS: '500' }
  const host = await NodeProcess.start(silent.url, variables)
  const bot = await Bot.of(host.url, 'silent')
  await bot.until('a player who has joined', () => bot.status() === 'live')
  await bot.until('play', () => bot.view().hud.phase === 'playing')
  const stop = new AbortController()
  const headers = { accept: 'text/event-stream', authorization: `Bearer ${bot.session.token}` }
  const stream = await fetch(`${host.url}/api/rooms/contagion/silent/live`, { headers, signal: stop.signal })
  let pushed = 0
  const read = async () => {
    for await (const part of stream.body ?? []) pushed += Buffer.from(part).toString().split('data: ').length - 1
  }
  const reading = read().catch(() => undefined)
  expect(await bot.steer(3, PATIENCE_MS)).toBe(0)
  await until('what was pushed', PATIENCE_MS, async () => pushed > 0)
  await silent.vanish()
  expect(await bot.steer(9, PATIENCE_MS)).toBe(0)
  const before = pushed
  expect(await bot.steer(12, PATIENCE_MS)).toBe(0)
  await until('what is pushed now', PATIENCE_MS, async () => pushed > before)
  stop.abort()
  await reading
  await host.end('SIGKILL')
  await silent.stop()
})
