/**
 * What a request costs in round trips, counted where they arrive: at a Redis server, at its front for HTTP, at the room's
 * object. A warm leader appends and reads in one, a warm follower pushes and reads in one; inside the object there is none.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { instantiate } from '../../js-host/dist/wasm/server/baton_server'
import { Driver } from '../../js-host/src/driver'
import { Faces } from '../../js-host/src/load/face'
import { type Performer, performer } from '../../js-host/src/store'
import { RedisStore } from '../../js-host/src/stores/redis'
import { overTcp } from '../../js-host/src/stores/redis-scripts'
import { Monitor } from '../stores/support/monitor'
import { RedisServer } from '../stores/support/redis-server'
import { RestFront } from '../stores/support/rest-front'
import { Device, guest } from './device'
import { startServer } from './server'
import { QUIET } from './support/bot'
import { NodeProcess } from './support/node-host'
import { PRESENCE } from './wire'

const FRAME_MS = 10
/** Whoever leads first leads to the end. */
const PACE = { frame_ms: FRAME_MS, lease_ms: 60_000, idle_ms: 60_000, rooms: { contagion: QUIET } }
const ROOMS = JSON.stringify(PACE)
/** More than a segment of frames: its end is archived by a call of its own. */
const TURNS = 80
const WALK = [3]
const READS = 100

/** What `tests/workers/counted.ts` counts. */
type Counted = Record<'perform' | 'ask', number>

/** A host on a store of its own. */
interface Place {
  url: string
  /** Round trips to the store so far. */
  trips(room: string): Promise<number>
  /** The same store, for a handler elsewhere. */
  store: Performer
  stop(): Promise<void>
}

async function nodeOnRedis(): Promise<Place> {
  const redis = await RedisServer.start()
  const host = await NodeProcess.start(`redis://127.0.0.1:${redis.port}`, { BATON_ROOMS: ROOMS })
  const monitor = await Monitor.start(redis)
  const client = await redis.connect()
  let trips = 0
  return {
    url: host.url,
    trips: async () => {
      trips += (await monitor.since()).length
      return trips
    },
    store: performer(new RedisStore(overTcp(client), { publishes: true })),
    stop: async () => {
      await monitor.stop()
      await client.close()
      await host.end('SIGKILL')
      await redis.stop()
    },
  }
}

async function workersOnRedis(): Promise<Place> {
  const redis = await RedisServer.start()
  const client = await redis.connect()
  const front = await RestFront.start(client)
  const variables = { BATON_ROOMS: ROOMS, BATON_STORE: front.url, BATON_STORE_TOKEN: front.token }
  const server = await startServer({ mode: 'stateless', variables })
  return {
    url: server.url,
    trips: async () => front.requests,
    store: performer(new RedisStore(overTcp(client))),
    stop: async () => {
      await server.stop()
      await front.stop()
      await client.close()
      await redis.stop()
    },
  }
}

async function workersOnObjects(mode: 'stateless' | 'embedded', of: keyof Counted): Promise<Place> {
  const server = await startServer({ mode, main: 'tests/workers/counted.ts', variables: { BATON_ROOMS: ROOMS } })
  return {
    url: server.url,
    trips: async (room) => ((await (await fetch(`${server.url}/counted/contagion/${room}`)).json()) as Counted)[of],
    store: {
      perform: async (room, effect) => {
        const body = effect as Uint8Array<ArrayBuffer>
        const answer = await fetch(`${server.url}/elsewhere/${room}`, { method: 'POST', body })
        return new Uint8Array(await answer.arrayBuffer())
      },
    },
    stop: () => server.stop(),
  }
}

/** A handler elsewhere, asked for nobody: it frames what others pushed. */
function elsewhere({ store }: Place): Driver {
  const wasm = join(import.meta.dirname, '../../js-host/dist/wasm/server/baton_server_bg.wasm')
  const module = new WebAssembly.Module(readFileSync(wasm))
  return new Driver({ faces: new Faces(() => instantiate(module), ROOMS), store, store_timeout_ms: 5_000 })
}

/** What each of many requests cost, with an action in every other one. */
async function costs(place: Place, device: Device, room: string, between: () => Promise<unknown>): Promise<number[]> {
  const cost: number[] = []
  for (let turn = 0; turn < TURNS; turn += 1) {
    await sleep(FRAME_MS + 5)
    await between()
    const before = await place.trips(room)
    const acts = turn % 4 !== 3
    if (acts) device.seq += 1
    const actions = acts ? [{ seq: device.seq, version: 1, body: new Uint8Array(WALK) }] : []
    const { device: standing } = await device.ask(device.hail({ answered: Math.max(0, device.seq - 8), actions }))
    cost.push((await place.trips(room)) - before)
    expect(standing?.mark).toBeGreaterThanOrEqual(device.seq - 4)
  }
  return cost
}

/** A device of a room that only this host was asked about. */
async function leading(place: Place, room: string): Promise<number[]> {
  const device = new Device(place.url, `contagion/${room}`, await guest(place.url))
  await device.join()
  return costs(place, device, room, async () => {})
}

/** A device of a room that a handler elsewhere leads. */
async function following(place: Place, room: string): Promise<number[]> {
  const other = elsewhere(place)
  const device = new Device(place.url, `contagion/${room}`, await guest(place.url))
  const body = device.request(device.hail({ presence: PRESENCE.here }))
  const who = { user: device.session.user, name: device.session.name }
  const first = await other.ask('contagion', room, { who, call: { tag: 'play', request: body } })
  expect(first.status).toBe(200)
  const lead = () => other.ask('contagion', room, { who: null, call: { tag: 'view' } })
  await device.join()
  const cost = await costs(place, device, room, lead)
  expect(other.counters.led).toBeGreaterThan(TURNS / 2)
  return cost
}

describe.each([
  ['node on redis', nodeOnRedis],
  ['workers on redis over http', workersOnRedis],
  ['workers on the object', () => workersOnObjects('stateless', 'perform')],
] as const)('%s', (_, start) => {
  let place: Place
  beforeAll(async () => {
    place = await start()
  })
  afterAll(() => place?.stop())

  test('p10_a_warm_leader_costs_one_round_trip_and_two_where_a_segment_ends', async () => {
    const cost = await leading(place, 'led')
    const more = cost.filter((trips) => trips !== 1)
    expect(more.length).toBeLessThanOrEqual(2)
    expect(Math.max(...cost)).toBeLessThanOrEqual(2)
  })

  test('p10_a_warm_follower_costs_one_round_trip', async () => {
    const cost = await following(place, 'followed')
    expect(cost).toEqual(cost.map(() => 1))
  })
})

test('x8_spectators_of_a_worker_are_answered_by_its_data_centre', async () => {
  const place = await workersOnObjects('embedded', 'ask')
  try {
    const device = new Device(place.url, 'contagion/watched', await guest(place.url))
    await device.join()
    const room = `${place.url}/api/rooms/contagion/watched`
    const read = async (what: string) => {
      const answer = await fetch(`${room}/${what}`)
      return Buffer.from(await answer.arrayBuffer()).toString('hex')
    }
    for (const [what, most] of [
      // Each second anew.
      ['tail', 4],
      ['snapshot', 4],
      // What is not for everybody, or not there, is never kept.
      ['view', READS],
      [`frames/1-64/${'0'.repeat(32)}`, READS],
    ] as const) {
      const [before, began_ms] = [await place.trips('watched'), performance.now()]
      const bodies = new Set<string>()
      let reads = 0
      for (; reads < READS && performance.now() - began_ms < 900; reads += 1) bodies.add(await read(what))
      expect(reads).toBeGreaterThan(10)
      if (most < READS) expect(bodies.size).toBeLessThanOrEqual(2)
      const trips = (await place.trips('watched')) - before
      expect(trips).toBeLessThanOrEqual(most)
      if (most === READS) expect(trips).toBe(reads)
    }
    // A second later it is asked again.
    const before = await read('tail')
    await sleep(2_100)
    expect(await read('tail')).not.toEqual(before)
  } finally {
    await place.stop()
  }
})

describe('workers with the handler inside the object', () => {
  test('p10_inside_the_object_no_request_costs_a_round_trip_to_the_store', async () => {
    const place = await workersOnObjects('embedded', 'perform')
    try {
      expect(await leading(place, 'inside')).toEqual(Array.from({ length: TURNS }, () => 0))
      const counted = (await (await fetch(`${place.url}/counted/contagion/inside`)).json()) as Counted
      // Each of them was answered there.
      expect(counted.ask).toBeGreaterThanOrEqual(TURNS)
    } finally {
      await place.stop()
    }
  })
})
