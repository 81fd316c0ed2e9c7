/**
 * Sixteen processes of the Node host on one Redis, whose clocks are ten minutes apart, while whoever leads is killed,
 * replaced in order, or stands still. What players were told is judged by `check-history`, what was written by the log's
 * laws; how long a room stood still is printed and judges nothing. `cargo xtask soak e2e --filter leaders_that` does each a
 * hundred times.
 */

import { setTimeout as pause } from 'node:timers/promises'
import type { RedisClientType } from '@redis/client'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { atMost, percentile } from '../../js-host/bench/figure'
import { FaultProxy } from '../stores/support/fault-proxy'
import { RedisServer } from '../stores/support/redis-server'
import { Bot, QUIET } from './support/bot'
import { until } from './support/browser'
import { Crew } from './support/crew'
import { History } from './support/history'
import { PROCESSES, SKEWS_MS } from './support/hosts'
import { buildJudge, disturbed, forge, judge, keep } from './support/judge'
import { NodeFleet, NodeProcess } from './support/node-host'
import { against, Leases, type Logged, lastOf, leaderOf, logOf, TELLS_LEASES } from './support/room-log'

const PLAYERS = 6
const PACE = { frame_ms: 100, lease_ms: 200, poll_ms: 500 }
const TICK_MS = 100
/** Of each kind of trouble. */
const ROUNDS = process.env.BATON_SOAK ? 100 : 5
const LIMIT_MS = ROUNDS * 20_000 + 200_000
/** Who has less of a lease left may have lost it before it is struck. */
const LEFT_MS = PACE.lease_ms / 2
const variables = { BATON_ROOMS: JSON.stringify({ ...PACE, rooms: { contagion: QUIET } }) }

let redis: RedisServer
let client: RedisClientType
let store: string
let fleet: NodeFleet
let leases: Leases
/** Processes by the name under which they write. */
const writers = new Map<string, NodeProcess>()
let met = 0

beforeAll(async () => {
  await buildJudge()
  redis = await RedisServer.start(TELLS_LEASES)
  client = await redis.connect()
  leases = await Leases.of(redis)
  store = `redis://127.0.0.1:${redis.port}`
}, 600_000)
afterAll(async () => {
  leases?.stop()
  await client?.close()
  await redis?.stop()
})
afterEach(() => fleet?.stop())

/** Finds out under which name a process writes: the first frame of a room that only it was ever asked for. */
async function meet(process: NodeProcess): Promise<void> {
  met += 1
  await (await Bot.of(process.url, `met-${met}`)).ask()
  writers.set((await lastOf(client, `contagion/met-${met}`)).by, process)
}

const replacement = async () => meet(await fleet.add())

interface Leader {
  by: string
  process: NodeProcess
  /** When its last frame was written, by the store. */
  time_ms: number
}

/** Who leads a room, with enough of the lease left. */
function leading(room: string): Promise<Leader> {
  return until('a leader', 60_000, async () => {
    const last = await leaderOf(client, room, LEFT_MS)
    const process = last && writers.get(last.by)
    return process && fleet.processes.includes(process) ? { by: last.by, process, time_ms: last.time_ms } : null
  })
}

/** Between two frames, in milliseconds: after the last frame of whoever was struck, and all others. */
function gaps(log: Logged[], struck: Iterable<string>): { stood: number[]; usual: number[] } {
  const last = new Set([...struck].map((by) => log.findLastIndex((frame) => frame.by === by)))
  const all = log.slice(1).map((frame, index) => frame.time_ms - (log[index]?.time_ms ?? 0))
  return { stood: all.filter((_, index) => last.has(index)), usual: all.filter((_, index) => !last.has(index)) }
}

/**
 * Sixteen play while `strike` strikes at leaders, so many rounds, after each of which somebody else must lead. The log must
 * keep the laws, and what was told be one history, of which a forgery is found out. Returns the log.
 */
async function struck(name: string, strike: (leader: Leader) => Promise<void>): Promise<Logged[]> {
  const room = `contagion/${name}`
  fleet = await NodeFleet.start(PROCESSES, store, variables, SKEWS_MS)
  for (const each of fleet.processes) await meet(each)
  const history = new History()
  const crew = await Crew.playing(PLAYERS, fleet.url, name, (at) => disturbed(history, `player ${at}`, fleet.send))
  await crew.walking(async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const leader = await leading(room)
      await strike(leader)
      await until('another leader', 60_000, async () => (await lastOf(client, room)).by !== leader.by)
    }
  })
  await history.log(fleet.url, room)
  const file = keep(`node-${name}`, history.text())
  const log = await logOf(client, room)
  expect(against(log, await leases.ended(room, log.length))).toEqual([])
  const { status, said } = await judge(file)
  expect(status, said).toBe(0)
  expect(said).toMatch(new RegExp(` [1-9]\\d* answered, .* ${crew.turns} actions, 0 losses, 0 resets`))
  const forged = await judge(keep(`node-${name}-forged`, forge(history.text())))
  expect(forged, forged.said).toMatchObject({ status: 1, said: expect.stringContaining('acknowledged') })
  return log
}

function tell(what: string, samples: number[], aim_ms: number): void {
  for (const percent of [50, 99])
    atMost(`${what}, p${percent}`, Math.round(percentile(samples, percent)), 'ms', Math.round(aim_ms))
}

test('j14_b12_leaders_that_are_killed_leave_one_history', { timeout: LIMIT_MS }, async () => {
  const killed: string[] = []
  const log = await struck('killed', async ({ by, process }) => {
    // It dies in the front: what it was asked fails, and so does what it is asked until it is taken out.
    await process.end('SIGKILL')
    fleet.take(process)
    killed.push(by)
    await replacement()
  })
  const { stood } = gaps(log, killed)
  expect(stood.length).toBe(ROUNDS)
  tell('no frame after a leader was killed', stood, PACE.lease_ms + PACE.poll_ms)
})

test('j15_b12_leaders_that_are_replaced_in_order_leave_one_history', { timeout: LIMIT_MS }, async () => {
  const replaced = new Set<string>()
  const rotate = async ({ by, process }: Leader) => {
    fleet.take(process)
    replaced.add(by)
    expect(await process.end('SIGTERM')).toBe(0)
    await replacement()
  }
  const { stood, usual } = gaps(await struck('replaced', rotate), replaced)
  expect(stood.length).toBe(ROUNDS)
  tell('no frame at a planned handover', stood, percentile(usual, 50) + 2 * TICK_MS)
})

test('j17_b12_leaders_that_stand_still_for_three_leases_leave_one_history', { timeout: LIMIT_MS }, async () => {
  const room = 'contagion/asleep'
  await struck('asleep', async ({ process, time_ms }) => {
    fleet.take(process)
    process.signal('SIGSTOP')
    const slept = async () => (await lastOf(client, room)).time_ms > time_ms + 3 * PACE.lease_ms
    await until('three leases without it', 60_000, slept)
    process.signal('SIGCONT')
    fleet.processes.push(process)
  })
})

test('j17_what_a_leader_sent_before_it_stood_still_is_refused_and_it_follows_at_once', async () => {
  const room = 'contagion/stale'
  // A lease that others keep up, however slow this machine is.
  const pace = { ...PACE, lease_ms: 1_000 }
  const slow = {
    BATON_ROOMS: JSON.stringify({ ...pace, rooms: { contagion: QUIET } }),
    BATON_STORE_TIMEOUT_MS: '60000',
  }
  fleet = await NodeFleet.start(2, store, slow)
  const proxy = await FaultProxy.start(redis.port)
  const stale = await NodeProcess.start(`redis://127.0.0.1:${proxy.port}`, slow)
  try {
    const ada = await Bot.join(stale.url, 'stale')
    await ada.until('play', () => ada.view().hud.phase === 'playing')
    const counts = () => Promise.all(['led', 'followed', 'lost'].map((name) => stale.count(`baton_${name}_total`)))
    // Nobody else takes part, so it appends without a read once a frame is due, while its lease lasts.
    const { turned, before } = await until('its append on the way', 60_000, async () => {
      await pause(2 * pace.frame_ms)
      const [before, last] = await Promise.all([counts(), lastOf(client, room)])
      proxy.waiting = []
      const turned = ada.steer(9, 60_000)
      // It may come in pieces.
      const call = await until('a call on the way', 10_000, async () =>
        /\r\n(append|push|read)\r\n/.exec(Buffer.concat(proxy.waiting ?? []).toString('latin1')),
      )
      if (call[1] === 'append') return { turned, before: { counts: before, last } }
      proxy.letGo()
      await turned
      return null
    })
    const { by, v, time_ms } = before.last
    stale.signal('SIGSTOP')
    const crew = await Crew.playing(3, fleet.url, 'stale', () => fleet.send)
    await crew.walking(async () => {
      const slept = async () => (await lastOf(client, room)).time_ms > time_ms + 3 * pace.lease_ms
      await until('three leases without it', 60_000, slept)
      proxy.letGo()
      stale.signal('SIGCONT')
      expect(await turned).toBe(0)
    })
    // One refusal; then it handed on what it had been asked.
    const [led = 0, handed = 0, lost = 0] = (await counts()).map((now, at) => now - (before.counts[at] ?? 0))
    expect([led, lost]).toEqual([0, 1])
    expect(handed).toBeGreaterThanOrEqual(1)
    const log = await logOf(client, room)
    expect(against(log, await leases.ended(room, log.length), pace.lease_ms)).toEqual([])
    expect(log.slice(v).filter((frame) => frame.by === by)).toEqual([])
  } finally {
    await stale.end('SIGKILL')
    await proxy.stop()
  }
})

test('j13_j19_when_all_processes_are_gone_the_next_request_alone_goes_on', async () => {
  const room = 'contagion/night'
  fleet = await NodeFleet.start(PROCESSES, store, variables, SKEWS_MS)
  const crew = await Crew.playing(3, fleet.url, 'night', () => (url, init) => fleet.send(url, init))
  await crew.walking(async () => until('frames', 60_000, async () => (await lastOf(client, room)).v > 20))
  await Promise.all(fleet.processes.splice(0).map((process) => process.end('SIGKILL')))
  const { v, time_ms } = await lastOf(client, room)
  await until('a night', 30_000, async () => Number((await client.time())[0]) * 1_000 > time_ms + 3_000)
  const alone = await fleet.add()
  let asked = 0
  const [bot] = crew.bots as [Bot]
  bot.send = (url, init) => {
    asked += 1
    return fetch(`${alone.url}${new URL(url).pathname}`, init)
  }
  expect([await bot.steer(5), asked]).toEqual([0, 1])
  const log = await logOf(client, room)
  expect(log.length).toBe(v + 1)
  // The whole night passed in one frame, tick by tick, as the laws say.
  expect((log.at(-1)?.tick ?? 0) - (log.at(-2)?.tick ?? 0)).toBeGreaterThanOrEqual(30)
  expect(against(log, await leases.ended(room, log.length))).toEqual([])
})
