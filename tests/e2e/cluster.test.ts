/** Processes of Node on a Redis Cluster: a match over several of them, what is pushed, and a planned stop. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { RedisCluster } from '../stores/support/redis-server'
import { guest } from './device'
import { QUIET } from './support/bot'
import { until } from './support/browser'
import { Crew } from './support/crew'
import { NodeFleet } from './support/node-host'

const ROOMS = 4
const TURNS = 20

let cluster: RedisCluster
let fleet: NodeFleet

beforeAll(async () => {
  cluster = await RedisCluster.start()
  // Two of six are named; the others are found.
  const store = cluster.servers.slice(0, 2).map(({ port }) => `redis://127.0.0.1:${port}`)
  const variables = { BATON_ROOMS: JSON.stringify({ rooms: { contagion: QUIET } }) }
  fleet = await NodeFleet.start(2, store.join(','), variables)
})
afterAll(async () => {
  await fleet?.stop()
  await cluster?.stop()
})

test('p10_processes_of_node_play_on_a_cluster_and_push_from_it', async () => {
  const [one, other] = fleet.processes.map(({ url }) => url) as [string, string]
  const names = Array.from({ length: ROOMS }, (_, index) => `cluster-${index}`)
  const crews = await Promise.all(names.map((name) => Crew.playing(2, one, name, () => fleet.send)))
  const { token } = await guest(other)
  const heard = await Promise.all(names.map((name) => listen(`${other}/api/rooms/contagion/${name}/live`, token)))
  const walk = (crew: Crew) => crew.walking(() => until('turns', 60_000, async () => crew.turns >= TURNS))
  await Promise.all(crews.map(walk))
  for (const crew of crews) expect(crew.differences(10)).toEqual([])
  // Rooms lie on several masters.
  const counts = await Promise.all(cluster.servers.map(async (server) => sizeOf(server)))
  expect(counts.filter((keys) => keys > 0).length).toBeGreaterThan(2)
  await until('frames of every room, pushed', 20_000, async () => heard.every(({ frames }) => frames > 5))
  expect(await fleet.take().end()).toBe(0)
})

/** Counts the events of a stream. */
async function listen(url: string, token: string): Promise<{ frames: number }> {
  const headers = { accept: 'text/event-stream', authorization: `Bearer ${token}` }
  const { body, status } = await fetch(url, { headers })
  expect(status).toBe(200)
  const heard = { frames: 0 }
  const read = async () => {
    const text = new TextDecoder()
    for await (const part of body ?? []) heard.frames += text.decode(part as Uint8Array).split('data: ').length - 1
  }
  // Ends with the process.
  read().catch(() => undefined)
  return heard
}

async function sizeOf(server: RedisCluster['servers'][number]): Promise<number> {
  const client = await server.connect()
  const keys = await client.sendCommand(['DBSIZE'])
  await client.close()
  return Number(keys)
}
