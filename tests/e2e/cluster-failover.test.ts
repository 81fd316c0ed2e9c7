/**
 * A Redis Cluster under a match on two processes of Node: the master that has the room dies, its replica takes its place,
 * and the room goes on. What was acknowledged and not copied yet is sent again by whoever keeps it. How long the room stood
 * still is printed and judges nothing.
 */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { atMost, plain } from '../../js-host/bench/figure'
import { RedisCluster } from '../stores/support/redis-server'
import { QUIET } from './support/bot'
import { until } from './support/browser'
import { Crew } from './support/crew'
import { NodeFleet } from './support/node-host'
import { against, logOf } from './support/room-log'

const ROOM = 'contagion/cluster'
const PACE = { frame_ms: 100, lease_ms: 200 }
/** Hosts ask anew twice a second who has what, and players once more. */
const NOTICED_MS = 500 + 500
const PLAYERS = 4
const TURNS = 8

let redis: RedisCluster
let fleet: NodeFleet

beforeAll(async () => {
  redis = await RedisCluster.start()
  const variables = { BATON_ROOMS: JSON.stringify({ ...PACE, rooms: { contagion: QUIET } }) }
  // Who is told of three servers finds the others.
  const some = redis.servers.slice(0, 3).map(({ port }) => `redis://127.0.0.1:${port}`)
  fleet = await NodeFleet.start(2, some.join(), variables)
})
afterAll(async () => {
  await fleet?.stop()
  await redis?.stop()
})

test('p07_p10_when_the_master_of_a_room_dies_the_room_goes_on_and_nothing_acknowledged_is_missing', async () => {
  const crew = await Crew.playing(PLAYERS, fleet.url, 'cluster', () => fleet.send)
  const turns = (count: number) => until('turns', 120_000, async () => crew.turns >= count)
  const [died_ms, replaced_ms] = await crew.walking(async () => {
    await turns(PLAYERS * TURNS)
    const master = await redis.masterOf(`baton:{${ROOM}}:log`)
    const died_ms = Date.now()
    await master.stop('SIGKILL')
    await until('a new master', 60_000, async () => (await redis.masterOf(`baton:{${ROOM}}:log`)) !== master)
    const replaced_ms = Date.now()
    await turns(crew.turns + PLAYERS * TURNS)
    return [died_ms, replaced_ms]
  })
  // Each action was taken, by a device whose numbers know no gap, in one history.
  await until('pages at one version', 60_000, async () => {
    await crew.all((bot) => bot.ask())
    return new Set(crew.bots.map((bot) => bot.replica.version())).size === 1
  })
  expect(new Set(crew.bots.map((bot) => bot.replica.hash())).size).toBe(1)
  expect(crew.bots.reduce((sum, bot) => sum + bot.taken(), 0)).toBe(crew.turns)
  expect(crew.bots.map((bot) => bot.replica.pending())).toEqual(crew.bots.map(() => 0))
  const now = await (await redis.masterOf(`baton:{${ROOM}}:log`)).connect()
  const log = await logOf(now, ROOM)
  await now.close()
  expect(against(log, null)).toEqual([])
  const acts = log.flatMap(({ entries }) => entries.filter(({ tag }) => tag === 'act'))
  expect(acts.length).toBe(crew.turns)
  const after_ms = log.find(({ time_ms }) => time_ms > replaced_ms)?.time_ms ?? Number.POSITIVE_INFINITY
  plain('a cluster has a new master after', replaced_ms - died_ms, 'ms')
  atMost('and its room a frame after', after_ms - replaced_ms, 'ms', NOTICED_MS + PACE.lease_ms)
})
